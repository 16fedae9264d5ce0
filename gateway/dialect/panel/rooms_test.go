package panel

import (
	"sync"
	"testing"
)

// Whoever listens hears the latest, however slow he is; nobody waits for him, and an
// empty room is no room.
func TestRooms(t *testing.T) {
	rs := newRooms()
	here, elsewhere := room{"alice", "r"}, room{"bob", "r"}
	early, leaveEarly := rs.listen(here)
	other, leaveOther := rs.listen(elsewhere)
	to := rs.enter(here)
	for n := range int64(1000) {
		to.tell(progress{n, 1000})
	}
	late, leaveLate := rs.listen(here)
	if got := rs.latest(here); got == nil || got.Current != 999 {
		t.Errorf("latest is %v", got)
	}
	to.tell(progress{1000, 1000})
	to.leave()
	for name, news := range map[string]<-chan progress{"early": early, "late": late} {
		if p := <-news; p.Current != 1000 {
			t.Errorf("%s hears %v", name, p)
		}
	}
	select {
	case p := <-other:
		t.Errorf("another user's room of that name hears %v", p)
	default:
	}
	leaveEarly()
	leaveLate()
	leaveOther()
	nameless := rs.enter(room{"alice", ""})
	nameless.tell(progress{1, 2})
	nameless.leave()
	if len(rs.open) != 0 || rs.latest(here) != nil {
		t.Errorf("%d rooms are left", len(rs.open))
	}
}

func TestRoomsAtOnce(t *testing.T) {
	rs := newRooms()
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			for range 100 {
				to := rs.enter(room{"alice", "r"})
				news, leave := rs.listen(room{"alice", "r"})
				to.tell(progress{1, 1})
				<-news
				to.leave()
				leave()
			}
		})
	}
	all.Wait()
	if len(rs.open) != 0 {
		t.Errorf("%d rooms are left", len(rs.open))
	}
}
