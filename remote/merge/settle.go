package merge

import (
	"context"
	"crypto/sha256"

	"sftpgate/remote/record"
	"sftpgate/remote/stage"
)

// settle deals with what a plan cannot simply copy: chunks that are merged
// already, and chunks that overlap because two gateways cut differently.
// Equal bytes count once. Where bytes disagree, what is merged stays and the
// other chunk goes; of two that are not merged neither can be believed, and
// both are asked for again.
func (m *Merger) settle(ctx context.Context, p Plan, out *Outcome) error {
	if err := m.gen.Free(ctx, own(p.Drop)); err != nil {
		return err
	}
	for _, c := range p.Merged {
		same, err := m.agrees(ctx, c)
		if err != nil {
			return err
		}
		if same {
			err = m.batch(ctx, []stage.Staged{c}, out)
		} else {
			err = m.disagree(ctx, out, c)
		}
		if err != nil {
			return err
		}
	}
	for _, pair := range p.Clash {
		both := pair[0].Overlap(pair[1].Span)
		a, err := m.digest(ctx, pair[0].Path, both.Off-pair[0].Off, both.Len)
		if err != nil {
			return err
		}
		b, err := m.digest(ctx, pair[1].Path, both.Off-pair[1].Off, both.Len)
		if err != nil {
			return err
		}
		if a == b {
			err = m.batch(ctx, pair[:], out)
		} else {
			err = m.disagree(ctx, out, pair[:]...)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// agrees compares a chunk with what is merged below it.
func (m *Merger) agrees(ctx context.Context, c stage.Staged) (bool, error) {
	merged := record.Spans{c.Span}.Without(m.gen.State().Merged.Gaps(c.Span))
	for _, s := range merged {
		a, err := m.digest(ctx, c.Path, s.Off-c.Off, s.Len)
		if err != nil {
			return false, err
		}
		b, err := m.digest(ctx, m.gen.PartPath(m.epoch), s.Off, s.Len)
		if err != nil || a != b {
			return false, err
		}
	}
	return true, nil
}

func (m *Merger) disagree(ctx context.Context, out *Outcome, chunks ...stage.Staged) error {
	for _, c := range chunks {
		m.log.Warn("two gateways took different bytes for one range; it will be asked for again", "span", c.Span.String())
		out.Lost = append(out.Lost, c.Chunk)
	}
	return m.gen.Free(ctx, chunks)
}

func (m *Merger) digest(ctx context.Context, name string, off, length int64) (record.Sum, error) {
	h := sha256.New()
	err := m.gen.ReadBack(ctx, name, off, length, h)
	return record.Sum(h.Sum(nil)), err
}
