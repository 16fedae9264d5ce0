package dialecttest

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
)

func (s *suite) targetExists(t *testing.T) {
	s.Write(t, "there", []byte("before"))
	s.wantRefused(t, s.send(t, "there", content(chunk+5)), "exists")
	s.Wants(t, "there", []byte("before"))
	s.wantSent(t, "there", content(chunk+5), query("if_exists=replace"))
}

// What has ended is begun anew.
func (s *suite) replacedAgain(t *testing.T) {
	for i := range 3 {
		b := content(3*chunk + 1)
		b[0] = byte(i)
		s.wantSent(t, "again", b, query("if_exists=replace"), another(fmt.Sprint(i)))
	}
}

func (s *suite) anotherUsers(t *testing.T) {
	s.send(t, "busy", content(4*chunk), most(2))
	s.wantRefused(t, s.send(t, "busy", content(3*chunk), by("bob")), "another user")
}

// The same user begins another file there.
func (s *suite) superseded(t *testing.T) {
	s.send(t, "changed", content(4*chunk), most(2))
	s.wantSent(t, "changed", content(5*chunk+1), another("2"))
}

func (s *suite) tenAtOnce(t *testing.T) {
	var all sync.WaitGroup
	for i := range 10 {
		all.Go(func() {
			name := fmt.Sprint("many ", i)
			b := content(2*chunk + i)
			if a := s.send(t, name, b, another(name)); !a.ok() {
				t.Errorf("%s: %d %s", name, a.Status, a.Text)
				return
			}
			if got, err := os.ReadFile(filepath.Join(s.Root, name)); err != nil || !bytes.Equal(got, b) {
				t.Errorf("%s: %d bytes, %v", name, len(got), err)
			}
		})
	}
	all.Wait()
}

func (s *suite) resumed(t *testing.T) {
	b := content(6*chunk + 100)
	s.send(t, "resumed", b, most(3))
	s.Replace(t)
	s.wantSent(t, "resumed", b)
}

func (s *suite) hostDown(t *testing.T) {
	s.SSHD.Stop()
	defer s.SSHD.Restart()
	s.SSHD.CutConnections()
	if a := s.send(t, "down", content(2*chunk)); a.ok() || a.Status == 500 || s.d.Permanent(a) || a.Text == "" && a.Status != 423 {
		t.Errorf("%d %s", a.Status, a.Text)
	}
}

// When a ticket's time is over, what it has opened goes on, and nothing is begun.
func (s *suite) ticketsTime(t *testing.T) {
	s.IssueTickets(t, 0)
	b := content(5*chunk + 17)
	for name, requests := range map[string]int64{"expires early": 4, "expires later": 5} {
		s.expireAfter(requests)
		if a := s.send(t, name, b, another(name)); !a.ok() {
			t.Errorf("%s: %d %s", name, a.Status, a.Text)
			continue
		}
		s.Wants(t, name, b)
	}
	s.expireAfter(0)
	before := s.Names(t)
	s.wantRefused(t, s.send(t, "late", b, another("late")), "")
	if after := s.Names(t); !slices.Equal(before, after) {
		t.Errorf("before there was %q, now %q", before, after)
	}
}
