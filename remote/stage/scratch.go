package stage

import (
	"context"
	"errors"

	"github.com/pkg/sftp"
)

// Scratch is a pair of files in a generation that count for nothing: a source
// with content, and an empty part to copy it to.
type Scratch struct {
	g      *Generation
	Source string
	Part   string
}

// Scratch makes such a pair.
func (g *Generation) Scratch(ctx context.Context, content []byte) (*Scratch, error) {
	s := &Scratch{g: g, Source: g.path(tmpPrefix + randomName()), Part: g.path(tmpPrefix + randomName())}
	err := g.do(ctx, func(c *sftp.Client) error {
		if err := writeSynced(c, g.can, s.Source, content); err != nil {
			return err
		}
		f, err := c.OpenFile(s.Part, exclusive)
		if err != nil {
			return err
		}
		return f.Close()
	})
	return s, g.host.spaceOr(ctx, g.target.Dir, int64(len(content)), err)
}

// Remove removes the pair; what cannot be removed goes with the generation.
func (s *Scratch) Remove(ctx context.Context) {
	_ = s.g.do(ctx, func(c *sftp.Client) error { return errors.Join(c.Remove(s.Source), c.Remove(s.Part)) })
}
