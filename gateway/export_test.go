package gateway

import "time"

// DoubtClaims is what the passing of confirmEvery does to every upload that is
// known here, at a moment at which the registry was asked just now.
func (s *Service) DoubtClaims() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, u := range s.active {
		u.mu.Lock()
		u.confirmed, u.asked = time.Time{}, time.Now()
		u.mu.Unlock()
	}
}

// Explain is explain, and ErrRedeclared what a finish ends with that was told another
// digest at each of its tries.
var Explain, ErrRedeclared = explain, errRedeclared
