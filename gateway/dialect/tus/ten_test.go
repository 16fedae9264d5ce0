package tus_test

import (
	"strings"
	"sync"
	"testing"
)

// Ten parts of a file at once: each is taken, and none hears of another user.
func TestTenPartsAtOnce(t *testing.T) {
	s := start(t)
	content := noise(1000)
	parts := make([]string, 10)
	var all sync.WaitGroup
	for i := range parts {
		all.Go(func() {
			a := s.ask("POST", s.endpoint, header{"Upload-Length", "100", "Upload-Concat", "partial"}, nil)
			s.wants(a, 201, "")
			parts[i] = s.at(a)
			s.wants(s.patch(parts[i], 0, content[100*i:100*(i+1)]), 204, "")
		})
	}
	all.Wait()
	a := s.ask("POST", s.endpoint, header{"Upload-Concat", "final;" + strings.Join(parts, " "), "Upload-Metadata", named("f")}, nil)
	s.wants(a, 201, "")
	s.Wants(t, "f", content)
}
