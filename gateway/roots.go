package gateway

import (
	"context"
	"errors"
	"strings"

	"sftpgate/gateway/access"
	"sftpgate/remote/staging"
)

// rootTrouble is why no files can be sent below a root of a host that is up.
type rootTrouble struct {
	root string
	err  error
}

// lookAtRoots finds out what is wrong with the roots of a host, and keeps it for lists,
// which ask no host.
func (s *Service) lookAtRoots(ctx context.Context, h *staging.Host) (wrong []rootTrouble) {
	id := h.Config().ID
	for _, root := range h.Config().Roots {
		if err := s.proveRoot(ctx, h, root); err != nil {
			wrong = append(wrong, rootTrouble{root, err})
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.roots, id)
	for _, r := range wrong {
		if !errors.Is(r.err, context.DeadlineExceeded) && !errors.Is(r.err, context.Canceled) { // which say nothing of the root
			s.roots[id] = append(s.roots[id], r)
		}
	}
	return wrong
}

// proveRoot lets the engines prove themselves below a root, where they have not yet,
// and with them what else the host can do there; hostView shows what was found.
func (s *Service) proveRoot(ctx context.Context, h *staging.Host, root string) error {
	ctx, cancel := context.WithTimeout(ctx, askPatience)
	defer cancel()
	t, err := h.ResolveDir(ctx, root)
	if err == nil {
		_, err = s.engines.Choose(ctx, h, t)
	}
	return err
}

// keptOfRoots is what the last look at a host's roots has found wrong.
func (s *Service) keptOfRoots(host string) []rootTrouble {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.roots[host]
}

// tellRoots is what c may read of it: of roots that he may send files below.
func tellRoots(c access.Caller, host string, wrong []rootTrouble) string {
	var told []string
	for _, r := range wrong {
		if len(c.Scope.NarrowRoots([]string{r.root})) == 0 {
			continue
		}
		why := toldTo(c, host, r.err)
		if !strings.Contains(why, r.root) {
			why = r.root + ": " + why
		}
		told = append(told, why)
	}
	return strings.Join(told, "; ")
}
