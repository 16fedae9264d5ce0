package gateway

import (
	"testing"
	"time"
)

// What nothing happens to is forgotten; what is at work is not.
func TestTidy(t *testing.T) {
	long := time.Now().Add(-time.Hour)
	s := &Service{active: map[string]*upload{
		"idle":      {touched: long},
		"fresh":     {touched: time.Now()},
		"receiving": {touched: long, users: 1},
		"merging":   {touched: long, working: true},
		"finishing": {touched: long, finishing: true},
	}}
	s.tidy()
	if len(s.active) != 4 || s.active["idle"] != nil {
		t.Errorf("left: %v", s.active)
	}
}
