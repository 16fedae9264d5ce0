package main

import (
	"log/slog"
	"sync"

	"sftpgate/remote/hosts"
	"sftpgate/remote/sshpool"
	"sftpgate/remote/staging"
)

// staged are the hosts that files may be sent to, as hosts.yaml has them now.
type staged struct {
	links *sshpool.Pools
	log   *slog.Logger

	mu  sync.RWMutex
	set *hosts.Set
	// byID has every host that there ever was: one that was taken out may still
	// have an upload running, and must be the same when it comes back.
	byID map[string]*staging.Host
}

// newStaged stages on the hosts of set, which links has.
func newStaged(links *sshpool.Pools, set *hosts.Set, log *slog.Logger) *staged {
	s := &staged{links: links, log: log, byID: map[string]*staging.Host{}}
	s.take(set)
	return s
}

// update puts set in the place of the hosts that there were.
func (s *staged) update(set *hosts.Set) {
	s.links.Update(set)
	s.take(set)
}

func (s *staged) take(set *hosts.Set) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.set = set
	for _, h := range set.All() {
		if pool, ok := s.links.Host(h.ID); ok && s.byID[h.ID] == nil {
			s.byID[h.ID] = staging.New(pool, s.log)
		}
	}
}

// Host returns the staging on a host that is configured now.
func (s *staged) Host(id string) (*staging.Host, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if _, configured := s.set.Get(id); !configured {
		return nil, false
	}
	h, ok := s.byID[id]
	return h, ok
}

// IDs lists the hosts in the order of hosts.yaml.
func (s *staged) IDs() []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var ids []string
	for _, h := range s.set.All() {
		ids = append(ids, h.ID)
	}
	return ids
}
