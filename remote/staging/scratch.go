package staging

import (
	"context"
	"errors"
	"io"
	"path"

	"github.com/pkg/sftp"

	"sftpgate/remote/sshpool"
)

// Scratch is a pair of files that count for nothing: a source with content, and
// an empty part to copy it to. It is made to try out an engine.
type Scratch struct {
	Source string
	Part   string

	own string // the directory that they have for themselves; "" in a generation
	do  func(ctx context.Context, fn func(*sftp.Client) error) error
}

// Scratch makes such a pair without an upload, in a hidden directory in the
// directory of t; t needs no Name.
func (h *Host) Scratch(ctx context.Context, t Target, content []byte) (*Scratch, error) {
	can, err := h.Abilities(ctx, t)
	if err != nil {
		return nil, err
	}
	own := path.Join(t.Dir, hiddenName())
	s := &Scratch{Source: path.Join(own, "source"), Part: path.Join(own, "part"), own: own}
	s.do = func(ctx context.Context, fn func(*sftp.Client) error) error { return h.do(ctx, t.Dir, fn) }
	err = s.do(ctx, func(c *sftp.Client) error {
		return makePrivate(c, own)
	})
	return s.fill(ctx, h, t, can, content, err)
}

// Scratch makes such a pair in the generation, with which it goes at the latest.
func (g *Generation) Scratch(ctx context.Context, content []byte) (*Scratch, error) {
	s := &Scratch{Source: g.path(tmpPrefix + randomName()), Part: g.path(tmpPrefix + randomName()), do: g.do}
	return s.fill(ctx, g.host, g.target, g.can, content, nil)
}

// fill makes the files; err is what went wrong before.
func (s *Scratch) fill(ctx context.Context, h *Host, t Target, can sshpool.Abilities, content []byte, err error) (*Scratch, error) {
	if err == nil {
		err = s.do(ctx, func(c *sftp.Client) error {
			wait := startNoSymlinkCheck(c, can, path.Dir(s.Source))
			err := errors.Join(writeSynced(c, can, s.Source, content), writeSynced(c, can, s.Part, nil))
			return errors.Join(wait(), err)
		})
	}
	if err == nil {
		return s, nil
	}
	s.Remove(context.WithoutCancel(ctx))
	return nil, h.withCause(ctx, t.Dir, int64(len(content)), err)
}

// Stands is nil while the pair is there. Errors: ErrSuperseded where its
// generation is gone.
func (s *Scratch) Stands(ctx context.Context) error {
	return s.do(ctx, func(c *sftp.Client) error {
		_, err := c.Lstat(s.Source)
		if err == nil {
			_, err = c.Lstat(s.Part)
		}
		return Doing("look at", path.Dir(s.Part), err)
	})
}

// ReadPart streams [off, off+length) of the part to w. It fails with ErrContent
// where the part is shorter.
func (s *Scratch) ReadPart(ctx context.Context, off, length int64, w io.Writer) error {
	return s.do(ctx, func(c *sftp.Client) error { return readRange(ctx, c, s.Part, off, length, w) })
}

// Remove removes the pair. What cannot be removed now goes with the generation,
// or is left under a name that counts for nothing, as a generation is that was
// being prepared.
func (s *Scratch) Remove(ctx context.Context) {
	_ = s.do(ctx, func(c *sftp.Client) error {
		if s.own != "" {
			return removeTree(c, s.own)
		}
		return errors.Join(c.Remove(s.Source), c.Remove(s.Part))
	})
}
