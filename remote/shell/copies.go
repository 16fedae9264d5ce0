package shell

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// Part is a file that is put together of others. Stamp is a file beside it that copies
// keep at the part's own time of change (see Guard); "" for none.
type Part struct {
	Path  string
	Stamp string
}

// Copy is one of several copies into the same part.
type Copy struct {
	Source string
	Off    int64 // in the part, in bytes
	Len    int64 // of the source
	Least  int64 // that the part has afterwards
}

// Copied is how a Copy ended, and what was seen right after it.
type Copied struct {
	Err        error // *Status, or why the sizes could not be told
	SourceSize int64 // in bytes
	PartSize   int64
	Disturbed  bool // see Shell.Copy
}

// MostCopies is how many are asked for at once: what the host reads of them is
// little against what lies between it and us, so that nobody waits for anybody.
const MostCopies = 64

// CopyAll runs copies one after the other, at most MostCopies, without a round
// trip between them, and looks at both files after each. Where it does not find
// what it should it goes no further: a part that was cut off must not be filled up
// with a hole. They may take so long, once it is their turn. An error means that the shell is of no more use; that a copy failed,
// or was not made, is in what it ended as.
func (s *Shell) CopyAll(ctx context.Context, within time.Duration, part Part, copies []Copy) ([]Copied, error) {
	var lines []string
	for _, c := range copies {
		if err := printable("copy", []string{c.Source, part.Path, part.Stamp}); err != nil {
			return nil, err
		}
		lines = append(lines, copyOf(c.Source, part, c.Off)...)
		lines = append(lines, "sizes", c.Source, part.Path, strconv.FormatInt(c.Len, 10), strconv.FormatInt(c.Least, 10))
	}
	lines = append(lines, "resume")
	return inTurn(ctx, s, within, func(ctx context.Context) ([]Copied, error) {
		if err := s.send(lines); err != nil {
			return nil, err
		}
		return s.copied(ctx, len(copies))
	})
}

// copied reads the answers to so many copies. With the turn.
func (s *Shell) copied(ctx context.Context, copies int) ([]Copied, error) {
	all := make([]Copied, copies)
	for i := range all {
		var status *Status
		text, err := s.receive(ctx, "copy")
		if err != nil && !errors.As(err, &status) {
			return nil, err
		}
		all[i] = Copied{Err: err, Disturbed: text == "disturbed"}
		text, err = s.receive(ctx, "sizes")
		if err != nil && !errors.As(err, &status) {
			return nil, err
		}
		if err == nil {
			_, err = fmt.Sscanf(text, "%d %d", &all[i].SourceSize, &all[i].PartSize)
		}
		all[i].Err = errors.Join(all[i].Err, err)
	}
	if _, err := s.receive(ctx, "resume"); err != nil {
		return nil, err
	}
	return all, nil
}

// Copy puts all of source into part at an offset in bytes. It may take so long, once it is
// its turn.
// disturbed: a stamp is kept, and the part was changed by something else before this copy.
func (s *Shell) Copy(ctx context.Context, within time.Duration, source string, part Part, off int64) (disturbed bool, err error) {
	lines := copyOf(source, part, off)
	if err := printable(lines[0], lines[1:]); err != nil {
		return false, err
	}
	text, err := inTurn(ctx, s, within, func(ctx context.Context) (string, error) { return s.ask(ctx, lines[0], lines[1:]...) })
	return text == "disturbed", err
}

// copyOf is what the script is told.
func copyOf(source string, part Part, off int64) []string {
	return []string{"copy", source, part.Path, part.Stamp, strconv.FormatInt(off, 10)}
}
