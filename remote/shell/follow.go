package shell

import (
	"context"
	"errors"
	"fmt"
	"strconv"
)

// ErrDisturbed is returned when a file was changed by something else than copies
// that keep its stamp, so that a digest taken meanwhile says nothing.
var ErrDisturbed = errors.New("the file was changed meanwhile")

// disturbedStatus is what the script answers then.
const disturbedStatus = 3

// Following is a digest of a file that is taken from its beginning while the
// rest of it is still to come. The shell does nothing else until Sum or Close.
type Following struct {
	s    *Shell
	over bool
}

// Follow begins a digest of a file with one of the hash tools that Abilities
// names. stamp is the one that copies to the file keep (see Guard).
func (s *Shell) Follow(ctx context.Context, tool, file, stamp string) (*Following, error) {
	if err := printable("follow", []string{tool, file, stamp}); err != nil {
		return nil, err
	}
	if err := s.begins(ctx); err != nil {
		return nil, err
	}
	if _, err := s.ask(ctx, "follow", tool, file, stamp); err != nil {
		_ = s.fail(err) // where the file could not be opened another answer comes, which nobody must take for his
		s.ends()
		return nil, err
	}
	return &Following{s: s}, nil
}

// Add takes the next n bytes, which must be there.
func (f *Following) Add(ctx context.Context, n int64) error {
	_, err := f.s.ask(ctx, strconv.FormatInt(n>>20, 10), strconv.FormatInt(n&(1<<20-1), 10))
	return err
}

// Sum ends it and returns the digest of all that was added, in hexadecimal.
// ErrDisturbed says that the file was changed by others.
func (f *Following) Sum(ctx context.Context) (string, error) {
	if f.over {
		return "", errors.New("follow: it has ended")
	}
	text, err := f.s.ask(ctx, "")
	f.over = true
	f.s.ends()
	var status *Status
	if errors.As(err, &status) && status.Code == disturbedStatus {
		return "", ErrDisturbed
	}
	if err != nil {
		return "", fmt.Errorf("follow: %w", err)
	}
	return text, nil
}

// Close ends it without a digest, unless it has ended.
func (f *Following) Close() {
	if f.over {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), farewell)
	defer cancel()
	_, _ = f.Sum(ctx)
}

// Guard finds out whether copies can keep a stamp: a file whose time of change is set
// to the part's after each copy. When Copy finds the part changed since, somebody
// else wrote to it; what is written in the very moment of a copy is not seen. An
// error means that this host cannot tell.
func (s *Shell) Guard(ctx context.Context, part Part) error {
	_, err := s.Call(ctx, "guard", part.Path, part.Stamp)
	return err
}
