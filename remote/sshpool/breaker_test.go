package sshpool_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"sftpgate/remote/hosts"
	"sftpgate/remote/sshpool"
)

// failing makes a pool whose every dial fails in this way, and a count of them.
func failing(t *testing.T, kind sshpool.Kind) (*sshpool.Pool, *int) {
	t.Helper()
	dials := new(int)
	h := hosts.Host{ID: "a", Address: "h", User: "u", Agent: true, KnownHosts: "/none", Roots: []string{"/r"}}
	p := openOne(t, sshpool.Options{Dial: func(_ context.Context, h hosts.Host) (sshpool.Transport, error) {
		*dials++
		return nil, &sshpool.Error{Host: h.ID, Kind: kind, Err: errors.New("no")}
	}}, h)
	return p, dials
}

// A refusal is asked again after 30 s, then half as often each time, and every
// ten minutes in the end.
func TestRefusalsDouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, dials := failing(t, sshpool.Refused)
		for i, wait := range []time.Duration{30, 60, 120, 240, 480, 600, 600} {
			wait *= time.Second
			_, err := p.Conn(t.Context())
			if e := wantError(t, err, sshpool.Refused); e.RetryAfter != wait || *dials != i+1 {
				t.Fatalf("dial %d: retry after %v, want %v", *dials, e.RetryAfter, wait)
			}
			time.Sleep(wait - time.Nanosecond)
			if _, _ = p.Conn(t.Context()); *dials != i+1 {
				t.Fatal("dialled too early")
			}
			time.Sleep(time.Nanosecond)
		}
	})
}

// A host that is down is asked again within a second, then more seldom, and about
// every ten seconds in the end.
func TestUnreachableBacksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, dials := failing(t, sshpool.Unreachable)
		began := time.Now()
		for i := range 30 {
			_, err := p.Conn(t.Context())
			e := wantError(t, err, sshpool.Unreachable)
			most := 11 * time.Second
			if i == 0 {
				most = time.Second
			}
			if e.RetryAfter <= 0 || e.RetryAfter > most {
				t.Fatalf("dial %d: retry after %v", i+1, e.RetryAfter)
			}
			time.Sleep(e.RetryAfter)
		}
		if took := time.Since(began); *dials != 30 || took < 60*time.Second {
			t.Fatalf("%d dials in %v", *dials, took)
		}
	})
}
