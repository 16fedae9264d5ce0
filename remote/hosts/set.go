package hosts

// Set is the hosts of one file, checked as a whole.
type Set struct {
	order []string
	byID  map[string]Host
}

// NewSet makes a Set of hosts built in code, with the same defaults and the
// same checks as a file.
func NewSet(hosts ...Host) (*Set, error) {
	return build("hosts", hosts, nil)
}

// Get returns the host that files may be sent to under id.
func (s *Set) Get(id string) (Host, bool) {
	h, ok := s.byID[id]
	return h, ok && len(h.Roots) > 0
}

// All returns the hosts that files may be sent to, ordered as in the file.
func (s *Set) All() []Host {
	all := make([]Host, 0, len(s.order))
	for _, id := range s.order {
		if h, ok := s.Get(id); ok {
			all = append(all, h)
		}
	}
	return all
}

// Next returns the host that h is reached through. A host that is only ever
// jumped through needs no roots; it is known here alone, Get and All leave it out.
func (s *Set) Next(h Host) (Host, bool) {
	if h.Jump == "" {
		return Host{}, false
	}
	next, ok := s.byID[h.Jump]
	return next, ok
}
