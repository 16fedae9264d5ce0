package stage

import (
	"context"
	"fmt"
	"io"
	"path"

	"github.com/pkg/sftp"
)

// Scratch is a pair of files beside a target that count for nothing: a source
// with content, and an empty part to copy it to. It is made to try out an
// engine, with an upload or without.
type Scratch struct {
	host   *Host
	dir    string // the directory that it is made in
	own    string // its own, in that
	Source string
	Part   string
}

// Scratch makes such a pair in a hidden directory in the directory of t; t
// needs no Name.
func (h *Host) Scratch(ctx context.Context, t Target, content []byte) (*Scratch, error) {
	can, err := h.Abilities(ctx, t)
	if err != nil {
		return nil, err
	}
	own := path.Join(t.Dir, hiddenName())
	s := &Scratch{host: h, dir: t.Dir, own: own, Source: path.Join(own, "source"), Part: path.Join(own, "part")}
	err = h.do(ctx, t.Dir, func(c *sftp.Client) error {
		if err := c.Mkdir(own); err != nil {
			return fmt.Errorf("make %s: %w", own, err)
		}
		if err := c.Chmod(own, 0o700); err != nil {
			return err
		}
		if err := writeSynced(c, can, s.Source, content); err != nil {
			return err
		}
		return writeSynced(c, can, s.Part, nil)
	})
	if err != nil {
		s.Remove(context.WithoutCancel(ctx))
		return nil, h.spaceOr(ctx, t.Dir, int64(len(content)), err)
	}
	return s, nil
}

// ReadPart streams [off, off+length) of the part to w. It fails with ErrContent
// where the part is shorter.
func (s *Scratch) ReadPart(ctx context.Context, off, length int64, w io.Writer) error {
	return s.host.do(ctx, s.dir, func(c *sftp.Client) error { return readRange(ctx, c, s.Part, off, length, w) })
}

// Remove removes the pair. What cannot be removed now is left under a name that
// counts for nothing, as a generation is that was being prepared.
func (s *Scratch) Remove(ctx context.Context) {
	_ = s.host.do(ctx, s.dir, func(c *sftp.Client) error { return removeTree(c, s.own) })
}
