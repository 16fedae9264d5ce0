package registrytest

import (
	"crypto/rand"
	"errors"
	"reflect"
	"sync"
	"testing"

	"sftpgate/gateway"
	"sftpgate/remote/remotetest/await"
)

// waits says how often an upload is on the list of what is pending, and fails
// when it is there with another entry than want.
func waits(t *testing.T, s Store, want gateway.Entry) (n int) {
	t.Helper()
	entries, err := s.Pending(t.Context())
	check(t, "Pending", err)
	for _, e := range entries {
		if e.Upload.ID != want.Upload.ID {
			continue // another test's
		}
		n++
		if !reflect.DeepEqual(e, want) {
			t.Fatalf("Pending: got\n%+v, want\n%+v", e, want)
		}
	}
	return n
}

func pending(t *testing.T, s Store) {
	e, quiet, brief := newEntry(rand.Text()), newEntry(rand.Text()), newEntry(rand.Text())
	set := func(e *gateway.Entry, pending bool, where int) {
		t.Helper()
		e.Pending = pending
		put(t, s, *e, long)
		if n := waits(t, s, *e); n != where {
			t.Fatalf("put with Pending %v: listed %d times, want %d", pending, n, where)
		}
	}
	set(&quiet, false, 0)
	set(&e, true, 1)
	set(&e, true, 1)
	set(&e, false, 0)
	set(&e, false, 0)
	set(&e, true, 1)

	brief.Pending = true
	put(t, s, brief, short)
	await.Until(t, "the entry to end, and not to be pending any more", func() bool { return waits(t, s, brief) == 0 })
	set(&brief, true, 1)

	// A tombstone can be pending, and a late snapshot does not change that.
	end := e
	end.Ended, end.Upload.State = true, gateway.Cancelled
	set(&end, true, 1)
	e.Pending = false
	put(t, s, e, long)
	if n := waits(t, s, end); n != 1 {
		t.Errorf("after a late snapshot the tombstone is listed %d times, want once", n)
	}
	set(&end, false, 0)
	e.Pending = true
	put(t, s, e, long)
	if n := waits(t, s, end); n != 0 {
		t.Errorf("after a late snapshot the tombstone is listed %d times, want not at all", n)
	}
	if n := waits(t, s, brief); n != 1 {
		t.Errorf("another one is listed %d times, want once", n)
	}
}

// While lists are read, and what is no longer pending is tidied away, nothing
// that is pending is missed.
func pendingConcurrently(t *testing.T, s Store) {
	var errs [10]error
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() {
			e := newEntry(rand.Text())
			for _, e.Pending = range []bool{true, false, true} {
				errs[i] = errors.Join(errs[i], s.Put(t.Context(), e, long))
				list, err := s.Pending(t.Context())
				found := false
				for _, other := range list {
					found = found || other.Upload.ID == e.Upload.ID
				}
				if err == nil && found != e.Pending {
					err = errors.New("the list of what is pending differs from the last Put")
				}
				errs[i] = errors.Join(errs[i], err)
			}
		})
	}
	all.Wait()
	check(t, "Put and Pending", errors.Join(errs[:]...))
}
