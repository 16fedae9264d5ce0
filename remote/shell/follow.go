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
// rest of it is still to come. The shell does nothing else until Sum.
type Following struct{ s *Shell }

// Follow begins a digest of a file with one of the hash tools that Abilities
// names. stamp is the one that copies to the file keep (see Guard).
func (s *Shell) Follow(ctx context.Context, tool, file, stamp string) (*Following, error) {
	_, err := s.Call(ctx, "follow", tool, file, stamp)
	if err != nil {
		return nil, err
	}
	return &Following{s}, nil
}

// Add takes the next n bytes, which must be there.
func (f *Following) Add(ctx context.Context, n int64) error {
	_, err := f.s.Call(ctx, strconv.FormatInt(n>>20, 10), strconv.FormatInt(n&(1<<20-1), 10))
	return err
}

// Sum ends it and returns the digest of all that was added, in hexadecimal.
// ErrDisturbed says that the file was changed by others.
func (f *Following) Sum(ctx context.Context) (string, error) {
	text, err := f.s.Call(ctx, "")
	var status *Status
	if errors.As(err, &status) && status.Code == disturbedStatus {
		return "", ErrDisturbed
	}
	if err != nil {
		return "", fmt.Errorf("follow: %w", err)
	}
	return text, nil
}

// Guard has copies to part keep a stamp: a file whose time of change is set to
// the part's after each copy. When Copy finds the part changed since, somebody
// else wrote to it; what is written in the very moment of a copy is not seen. An
// error means that this host cannot tell.
func (s *Shell) Guard(ctx context.Context, part, stamp string) error {
	_, err := s.Call(ctx, "guard", part, stamp)
	return err
}

// Copy puts all of source into part at an offset in bytes. disturbed: a stamp
// is kept, and the part was changed by something else before this copy.
func (s *Shell) Copy(ctx context.Context, source, part string, off int64) (disturbed bool, err error) {
	text, err := s.Call(ctx, "copy", source, part, strconv.FormatInt(off, 10))
	return text == "disturbed", err
}
