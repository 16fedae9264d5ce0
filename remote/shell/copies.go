package shell

import (
	"context"
	"errors"
	"fmt"
	"strconv"
)

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
// with a hole. An error means that the shell is of no more use; that a copy failed,
// or was not made, is in what it ended as.
func (s *Shell) CopyAll(ctx context.Context, part string, copies []Copy) ([]Copied, error) {
	var lines []string
	for _, c := range copies {
		lines = append(lines, "copy", c.Source, part, strconv.FormatInt(c.Off, 10), "sizes", c.Source, part, strconv.FormatInt(c.Len, 10), strconv.FormatInt(c.Least, 10))
	}
	lines = append(lines, "resume")
	if err := s.send(lines); err != nil {
		return nil, err
	}
	all := make([]Copied, len(copies))
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
