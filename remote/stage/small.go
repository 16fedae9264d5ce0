package stage

import (
	"context"
	"path"
)

// SmallAttempt opens an attempt for a file that arrives in one piece: it lies
// beside the target, without a staging directory of its own.
func (h *Host) SmallAttempt(ctx context.Context, t Target) (*Attempt, error) {
	can, err := h.Abilities(ctx, t)
	if err != nil {
		return nil, err
	}
	return h.attempt(ctx, can, t.Dir, path.Join(t.Dir, hiddenName()))
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
	return done, h.spaceOr(ctx, t.Dir, 0, h.explain(a.conn.Explain(err), t.Path()))
}
