package merge

import (
	"cmp"
	"slices"

	"sftpgate/remote/record"
	"sftpgate/remote/staging"
)

// Plan says what to do with the committed chunks of an upload.
type Plan struct {
	// Copy holds the chunks to copy, by offset; nothing of them is merged.
	Copy []staging.Staged
	// Drop holds chunks that are merged already, by this very name.
	Drop []staging.Staged
	// Merged holds chunks that overlap merged bytes under another name: two
	// gateways cut the same stretch differently.
	Merged []staging.Staged
	// Clash holds groups of chunks that are not merged and overlap each other:
	// every chunk of a group overlaps another one of it, and none outside.
	Clash [][]staging.Staged
	// Past holds chunks that go on behind the end: they were on their way when a finish
	// declared the size.
	Past []staging.Staged
}

// Make plans a round. It is pure.
func Make(state record.State, chunks []staging.Staged) Plan {
	var p Plan
	sorted := slices.Clone(chunks)
	slices.SortFunc(sorted, func(a, b staging.Staged) int {
		return cmp.Or(cmp.Compare(a.Off, b.Off), cmp.Compare(b.Len, a.Len), slices.Compare(a.Sum[:], b.Sum[:]))
	})
	for _, c := range sorted {
		switch {
		case state.Meta.Size >= 0 && c.End() > state.Meta.Size:
			p.Past = append(p.Past, c)
		case state.Covers(c.Chunk):
			p.Drop = append(p.Drop, c)
		case len(state.Merged.Gaps(c.Span)) != 1 || state.Merged.Gaps(c.Span)[0] != c.Span:
			p.Merged = append(p.Merged, c)
		default:
			p.Copy = append(p.Copy, c)
		}
	}
	p.separate()
	return p
}

// separate takes what overlaps out of Copy until it has been compared.
func (p *Plan) separate() {
	var alone []staging.Staged
	for rest := p.Copy; len(rest) > 0; {
		n, end := 1, rest[0].End()
		for ; n < len(rest) && rest[n].Off < end; n++ {
			end = max(end, rest[n].End())
		}
		if n == 1 {
			alone = append(alone, rest[0])
		} else {
			p.Clash = append(p.Clash, rest[:n:n])
		}
		rest = rest[n:]
	}
	p.Copy = alone
}

// Idle reports whether there is nothing to do.
func (p Plan) Idle() bool {
	return len(p.Copy) == 0 && len(p.Drop) == 0 && len(p.Merged) == 0 && len(p.Clash) == 0 && len(p.Past) == 0
}
