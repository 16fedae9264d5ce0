package hosts

import "errors"

// Set is the hosts of one file, checked as a whole.
type Set struct {
	order []string
	byID  map[string]Host
}

// NewSet makes a Set of hosts built in code, with the same defaults and the
// same checks as a file.
func NewSet(hosts ...Host) (*Set, error) {
	var errs []error
	s := buildSet(hosts, func(id, field, message string) {
		if id != "" {
			message = "host " + id + ": " + message
		}
		errs = append(errs, errors.New(message))
	})
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return s, nil
}

// buildSet fills in defaults and checks; every fault goes to problem.
func buildSet(hosts []Host, problem func(id, field, message string)) *Set {
	s := &Set{byID: make(map[string]Host, len(hosts))}
	if len(hosts) == 0 {
		problem("", "", "no hosts: add at least one")
	}
	for _, h := range hosts {
		if _, twice := s.byID[h.ID]; twice {
			problem(h.ID, "", "the id is given twice: rename one")
			continue
		}
		s.order = append(s.order, h.ID)
		s.byID[h.ID] = h.complete()
	}
	jumped := s.checkJumps(problem)
	for _, id := range s.order {
		h := s.byID[id]
		h.check(jumped[id], func(field, message string) { problem(id, field, message) })
	}
	return s
}

// checkJumps finds unknown ids and cycles, and returns the hosts jumped through.
func (s *Set) checkJumps(problem func(id, field, message string)) map[string]bool {
	jumped := map[string]bool{}
	for _, id := range s.order {
		h := s.byID[id]
		if h.Jump == "" {
			continue
		}
		if _, known := s.byID[h.Jump]; !known {
			problem(id, "jump", "jump names "+quote(h.Jump)+", which is not a host in this file: add it, or correct the id")
			continue
		}
		jumped[h.Jump] = true
		seen := map[string]bool{}
		for at := h; at.Jump != "" && !seen[at.ID]; at = s.byID[at.Jump] {
			seen[at.ID] = true
			if at.Jump == id {
				problem(id, "jump", `is reached through itself: correct jump (jump: "" overrides the one in defaults)`)
			}
		}
	}
	return jumped
}

// Get returns the host that files may be sent to under id.
func (s *Set) Get(id string) (Host, bool) {
	h, ok := s.byID[id]
	if !ok || len(h.Roots) == 0 {
		return Host{}, false
	}
	return h, true
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

// Everyone returns all hosts of the file, those included that are only jumped through.
func (s *Set) Everyone() []Host {
	all := make([]Host, 0, len(s.order))
	for _, id := range s.order {
		all = append(all, s.byID[id])
	}
	return all
}

// Behind lists the hosts whose jump names id, ordered as in the file.
func (s *Set) Behind(id string) (behind []string) {
	for _, other := range s.order {
		if s.byID[other].Jump == id {
			behind = append(behind, other)
		}
	}
	return behind
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
