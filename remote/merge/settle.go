package merge

import (
	"context"
	"crypto/sha256"

	"sftpgate/remote/record"
	"sftpgate/remote/staging"
)

// resolveConflicts deals with what a plan cannot simply copy: chunks that are merged
// already, that lie behind the end, or that overlap because two gateways cut differently.
// Equal bytes count once. Where bytes disagree, what is merged stays and the
// other chunk goes; of those that are not merged none can be believed, and all
// are asked for again.
func (m *Merger) resolveConflicts(ctx context.Context, p Plan, out *Outcome) error {
	if len(p.Past) > 0 {
		for _, c := range p.Past {
			m.log.Warn("removed a chunk that extends past the declared end", "span", c.Span.String())
			out.Lost = append(out.Lost, c.Chunk)
		}
		if err := m.gen.Free(ctx, p.Past); err != nil {
			return err
		}
	}
	mine := withoutAdopted(p.Drop)
	if err := m.drop(ctx, mine); err != nil {
		return err
	}
	for _, c := range mine { // by another merger, if it was not told before
		out.Merged = append(out.Merged, c.Chunk)
	}
	for _, c := range p.Merged {
		known := m.gen.State().Merged
		same, err := m.matchesPart(ctx, c, known)
		switch {
		case err != nil:
			err = m.afterFailure(ctx, c, err, out)
		case same:
			err = m.mergeBatch(ctx, []staging.Staged{c}, known, false, out)
		default:
			err = m.dropConflicting(ctx, out, c)
		}
		if err != nil {
			return err
		}
	}
	for _, group := range p.Clash {
		if err := m.resolveGroup(ctx, group, out); err != nil {
			return err
		}
	}
	return nil
}

// drop removes chunks that are merged already.
func (m *Merger) drop(ctx context.Context, chunks []staging.Staged) error {
	if len(chunks) == 0 {
		return nil
	}
	if err := m.awaitFreed(ctx); err != nil {
		return err
	}
	return Recheck(ctx, m.gen, m.freeAndWait(ctx, chunks), m.log)
}

// resolveGroup compares every two chunks of a group that overlap. One that
// turns out to be damaged is lost, and the rest is for the next round.
func (m *Merger) resolveGroup(ctx context.Context, group []staging.Staged, out *Outcome) error {
	known := m.gen.State().Merged
	wrong := make([]bool, len(group))
	for i, a := range group {
		for j := i + 1; j < len(group) && group[j].Off < a.End(); j++ {
			b := group[j]
			both := a.Overlap(b.Span)
			x, err := m.digest(ctx, a.Path, both.Off-a.Off, both.Len)
			if err != nil {
				return m.afterFailure(ctx, a, err, out)
			}
			y, err := m.digest(ctx, b.Path, both.Off-b.Off, both.Len)
			if err != nil {
				return m.afterFailure(ctx, b, err, out)
			}
			if x != y {
				wrong[i], wrong[j] = true, true
			}
		}
	}
	var good, bad []staging.Staged
	for i, c := range group {
		// A chunk that was settled just now may have been merged below this one.
		same, err := m.matchesPart(ctx, c, known)
		switch {
		case err != nil:
			return m.afterFailure(ctx, c, err, out)
		case wrong[i] || !same:
			bad = append(bad, c)
		default:
			good = append(good, c)
		}
	}
	if err := m.dropConflicting(ctx, out, bad...); err != nil {
		return err
	}
	return m.mergeBatch(ctx, good, known, false, out)
}

// matchesPart compares a chunk with what is merged below it, of what is known to be.
func (m *Merger) matchesPart(ctx context.Context, c staging.Staged, known record.Spans) (bool, error) {
	merged := record.Spans{c.Span}.Without(known.Gaps(c.Span))
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

// dropConflicting gives chunks up, adopted ones too: kept, they would be found again.
func (m *Merger) dropConflicting(ctx context.Context, out *Outcome, chunks ...staging.Staged) error {
	for _, c := range chunks {
		m.log.Warn("two gateways received different bytes for one range; the client must send it again", "span", c.Span.String())
		out.Lost = append(out.Lost, c.Chunk)
	}
	return m.gen.Free(ctx, chunks)
}

func (m *Merger) digest(ctx context.Context, name string, off, length int64) (record.Sum, error) {
	h := sha256.New()
	err := m.gen.ReadBack(ctx, name, off, length, h)
	return record.Sum(h.Sum(nil)), err
}
