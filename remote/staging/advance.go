package staging

import (
	"context"
	"fmt"
	"slices"

	"github.com/pkg/sftp"

	"sftpgate/remote/record"
)

// Edit says what the next record is to say more. It is given the state as it is
// on the host and the record that would follow; it is called again when another
// gateway was faster, so it must decide anew each time.
type Edit func(s record.State, next *record.Record) error

// Advance writes the next record, with what was owed to it. After Advance the
// record is durable and State holds it.
func (g *Generation) Advance(ctx context.Context, edit Edit) error {
	return g.advanceWhen(ctx, edit, func() error { return nil })
}

// advanceWhen is Advance for a record that counts only when ready, which is asked while
// it is already written, has no objection.
func (g *Generation) advanceWhen(ctx context.Context, edit Edit, ready func() error) error {
	done, err := g.lockRecords(ctx)
	if err != nil {
		return err
	}
	defer done()
	top := int64(0)
	for {
		if err := ctx.Err(); err != nil { // a host that shows no end of other records
			return err
		}
		now, next, paid := g.nextRecord()
		next.Seq = max(next.Seq, top+1)
		if err := edit(now, &next); err != nil {
			return err
		}
		placed := false
		var objection error
		err := g.do(ctx, func(c *sftp.Client) (err error) {
			if placed, err = g.writeRecord(ctx, c, next, now.From, func() error { objection = ready(); return objection }); err != nil {
				return err
			}
			if !placed {
				var state record.State
				if state, top, err = g.readOwn(c); err == nil {
					g.setState(state, 0)
				}
			}
			return err
		})
		if objection != nil {
			return objection
		}
		if err != nil {
			return g.host.writeCause(ctx, g.target.Dir, 0, fmt.Errorf("write record %d: %w", next.Seq, err))
		}
		if placed {
			g.setState(with(now, next), paid)
			return g.compact(ctx, next)
		}
	}
}

// Owe has the next record that this gateway writes say more, whatever it is
// written for. State says it from now on. A crash before that record takes it
// back, and so does another gateway's record that edit refuses to follow: then
// nothing is owed any more, and Pay and Refused say why. Nothing may be done
// meanwhile that only holds with it. It may stay owed for as long as the host is
// gone: edit should refer to nothing that is large, like a connection.
func (g *Generation) Owe(edit Edit) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	next := g.state.Next()
	if err := edit(g.state, &next); err != nil {
		return err
	}
	g.owed = append(g.owed, edit)
	g.state = stillAt(with(g.state, next), g.state.Seq)
	return nil
}

// Pay writes what is owed. What does not go with the records any more is not
// written; the error says so, as Refused does.
func (g *Generation) Pay(ctx context.Context) error {
	return g.PayUnless(ctx, func(record.State) error { return nil })
}

// PayUnless is Pay, unless there is an objection when its turn has come: then that is
// the error, and what is owed stays owed.
func (g *Generation) PayUnless(ctx context.Context, objection func(record.State) error) error {
	g.mu.Lock()
	owes := len(g.owed) > 0
	g.mu.Unlock()
	if owes {
		if err := g.Advance(ctx, func(s record.State, _ *record.Record) error { return objection(s) }); err != nil {
			return err
		}
	}
	return g.peekDeferredError()
}

// Reload reads the records again.
func (g *Generation) Reload(ctx context.Context) error {
	done, err := g.lockRecords(ctx) // else a record that is just being written could be read over
	if err != nil {
		return err
	}
	defer done()
	return g.do(ctx, func(c *sftp.Client) error {
		state, _, err := g.readOwn(c)
		if err != nil {
			return err
		}
		g.setState(state, 0)
		return nil
	})
}

// lockRecords waits until no other record of this gateway's is being written.
func (g *Generation) lockRecords(ctx context.Context) (done func(), err error) {
	select {
	case g.turns <- struct{}{}:
		return func() { <-g.turns }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Refused says, once, why what was owed is owed no more: another gateway's record
// that it does not go with. nil where all of it was written, or will be.
func (g *Generation) Refused() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	err := g.refused
	g.refused = nil
	return err
}

// peekDeferredError is Refused, which may be asked again.
func (g *Generation) peekDeferredError() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.refused
}

// Doubt has Pay, Publish and Refused say err, as if it had been the answer to what was owed.
func (g *Generation) Doubt(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.refused = err
}

// nextRecord is the record that follows with what is owed, the state that it makes,
// for whoever adds to it, and how much of what is owed is in it.
func (g *Generation) nextRecord() (now record.State, next record.Record, paid int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.state, next = g.applyDeferred()
	return g.state, next, len(g.owed)
}

// applyDeferred is following with g.mu held. Where one of what is owed does not go with what
// is recorded, nothing is owed any more.
func (g *Generation) applyDeferred() (record.State, record.Record) {
	state := g.recorded
	next := state.Next()
	for _, edit := range g.owed {
		if err := edit(state, &next); err != nil {
			g.owed, g.refused = nil, err
			return state, state.Next()
		}
	}
	if len(g.owed) == 0 {
		return state, next
	}
	return stillAt(with(state, next), state.Seq), next
}

// setState takes in what the records say by now; so much of what was owed is in them.
func (g *Generation) setState(s record.State, paid int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.owed = slices.Delete(g.owed, 0, min(paid, len(g.owed))) // resliced, it would still hold what is paid
	g.recorded = s
	g.noteFinishRequest()
	g.state, _ = g.applyDeferred()
}

// with is a state and the record that follows it.
func with(base record.State, next record.Record) record.State {
	known := record.Record{
		Seq: max(base.Seq, 1), Meta: base.Meta, Epoch: base.Epoch, Merged: base.Merged, Chunks: base.Chunks,
		Writers: base.Writers, Finish: base.Finish, Intent: base.Intent,
	}
	state, err := record.Union([]record.Record{known, next})
	if err != nil {
		return base // not with two records
	}
	if !next.Full {
		state.From = base.From
	}
	return state
}

// stillAt is a state of which not all is written.
func stillAt(s record.State, seq int64) record.State {
	s.Seq = seq
	return s
}
