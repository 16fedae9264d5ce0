package staging

import (
	"context"
	"path"

	"github.com/pkg/sftp"

	"sftpgate/remote/sshpool"
)

// Holding keeps bodies whose place is not known yet, beside their target's
// directory, until they are committed to a generation there.
type Holding struct {
	host *Host
	can  sshpool.Abilities
	t    Target
	dir  string
}

// Hold opens a holding in the directory of t; t needs no Name.
func (h *Host) Hold(ctx context.Context, t Target) (*Holding, error) {
	can, err := h.Abilities(ctx, t)
	if err != nil {
		return nil, err
	}
	dir := path.Join(t.Dir, hiddenName())
	err = h.do(ctx, t.Dir, func(c *sftp.Client) error {
		return makePrivate(c, dir)
	})
	return &Holding{host: h, can: can, t: t, dir: dir}, err
}

// Attempt opens a new attempt in the holding.
func (h *Holding) Attempt(ctx context.Context) (*Attempt, error) {
	return h.host.openAttempt(ctx, h.can, h.t.Dir, path.Join(h.dir, tmpPrefix+randomName()), h.dir)
}

// Close removes the holding and what was not committed from it.
func (h *Holding) Close(ctx context.Context) error {
	return h.host.do(ctx, h.t.Dir, func(c *sftp.Client) error { return removeTree(c, h.dir) })
}
