package stage

import (
	"context"
	"errors"
	"io/fs"
	"path"

	"sftpgate/remote/link"
)

// SmallAttempt opens an attempt for a file that arrives in one piece: it lies
// beside the target, without a staging directory of its own.
func (h *Host) SmallAttempt(ctx context.Context, t Target) (*Attempt, error) {
	can, err := h.Abilities(ctx, t)
	if err != nil {
		return nil, err
	}
	return h.lone(ctx, can, t.Dir, path.Join(t.Dir, hiddenName()), t.Dir)
}

// PublishSmall publishes a sealed small attempt, by the same step and with the
// same checks as a merged file. The attempt is gone afterwards either way.
//
// Errors: as Generation.Publish.
func (h *Host) PublishSmall(ctx context.Context, a *Attempt, t Target, p Publication) (Published, error) {
	defer a.Discard()
	var done Published
	p.Source, p.Size = a.path, a.len
	pub := publisher{conn: a.conn, c: a.conn.SFTP(), can: a.can, host: h, target: t, Publication: p}
	// The attempt is nobody else's: there is no writer to outlive it, and no
	// record that a second link of it would help to understand.
	pub.can.HardLink = a.can.HardLink && !p.Replace
	err := pub.run(ctx, &done)
	if err = a.conn.Explain(err); err != nil {
		err = h.recoverSmall(context.WithoutCancel(ctx), pub, err, &done)
	}
	return done, h.spaceOr(ctx, t.Dir, 0, h.explain(err, t.Path()))
}

// recoverSmall looks, after a failure, on another connection whether the step
// was done all the same: its answer may be lost, or what follows it have failed.
func (h *Host) recoverSmall(ctx context.Context, pub publisher, lost error, done *Published) error {
	err := h.pool.Do(ctx, func(conn *link.Conn) error {
		pub.conn, pub.c, pub.begun = conn, conn.SFTP(), true
		pub.second = pub.Source
		ours, err := pub.already()
		if err != nil || !ours {
			return errors.Join(lost, err)
		}
		if err := pub.c.Remove(pub.Source); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return pub.settle(done)
	})
	return err
}
