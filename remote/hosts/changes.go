package hosts

import "reflect"

// Changes tells two sets apart, by host id.
type Changes struct {
	Added, Removed, Changed []string
}

// None reports whether the sets say the same of the same hosts.
func (c Changes) None() bool { return len(c.Added)+len(c.Removed)+len(c.Changed) == 0 }

// Changes lists what next has that s has not and the other way round, hosts that
// are only jumped through included, each list in the order of its file.
func (s *Set) Changes(next *Set) Changes {
	var c Changes
	for _, id := range s.order {
		if _, stays := next.byID[id]; !stays {
			c.Removed = append(c.Removed, id)
		}
	}
	for _, id := range next.order {
		old, known := s.byID[id]
		switch {
		case !known:
			c.Added = append(c.Added, id)
		case !reflect.DeepEqual(old, next.byID[id]): // Mode is a pointer
			c.Changed = append(c.Changed, id)
		}
	}
	return c
}
