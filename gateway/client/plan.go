package client

// gaps are the spans below size that received leaves out; received is ascending.
func gaps(received []Span, size int64) (missing []Span) {
	at := int64(0)
	for _, r := range received {
		if r[0] > at {
			missing = append(missing, Span{at, min(r[0], size)})
		}
		at = max(at, r[1])
	}
	if at < size {
		missing = append(missing, Span{at, size})
	}
	return missing
}

// pieces cuts spans at the borders of chunks.
func pieces(spans []Span, chunk int64) (all []Span) {
	for _, s := range spans {
		for at := s[0]; at < s[1]; {
			to := min(s[1], (at/chunk+1)*chunk)
			all = append(all, Span{at, to})
			at = to
		}
	}
	return all
}

func total(spans []Span) (n int64) {
	for _, s := range spans {
		n += s[1] - s[0]
	}
	return n
}
