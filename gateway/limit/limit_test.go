package limit

import (
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func hostOf(id string, bodies int, bandwidth int64) Host {
	return Host{ID: id, MaxBodies: func() int { return bodies }, Bandwidth: always(bandwidth)}
}

// A body counts until it is released, and is released once.
func TestReleaseGivesThePlaceBackOnce(t *testing.T) {
	l := New(Limits{UserBandwidth: 1 << 20})
	admit := func() *Body {
		b, err := l.Admit(t.Context(), hostOf("h", 0, 0), "a", strings.NewReader(""), 0)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	first, second := admit(), admit()
	first.Release()
	first.Release()
	if n := l.CountBodies()["h"]; n != 1 || l.shares["host h"].bodies != 1 || l.shares["user a"].bodies != 1 {
		t.Errorf("%d bodies are counted, %+v", n, l.shares)
	}
	second.Release()
	if left := l.CountBodies(); len(left) != 0 || l.shares["host h"].bodies != 0 || l.shares["user a"].bodies != 0 {
		t.Errorf("%v are counted, %+v", left, l.shares)
	}
}

// The user's bandwidth and the host's count both, and the lower one is the pace.
func TestAdmittedBodyIsPaced(t *testing.T) {
	for name, c := range map[string]struct {
		ofUser, ofHost int64
		paced          bool
		seconds        int
	}{
		"host":    {1 << 20, 64 << 10, true, 10},
		"user":    {64 << 10, 1 << 20, true, 10},
		"nothing": {0, 0, false, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			const size = 640 << 10
			b, err := New(Limits{UserBandwidth: c.ofUser}).Admit(t.Context(), hostOf("h", 0, c.ofHost), "a", io.LimitReader(endless{}, size), size)
			if err != nil {
				t.Fatal(err)
			}
			defer b.Release()
			began := time.Now()
			n, err := io.Copy(io.Discard, b)
			took, want := time.Since(began), time.Duration(c.seconds)*time.Second
			if n != size || err != nil || took > want || took < want-time.Second/burstsASecond || b.Paced() != c.paced {
				t.Errorf("%s: %d bytes, %v, in %v, paced: %v", name, n, err, took, b.Paced())
			}
		})
	}
}

// What is remembered of users who are gone is forgotten, though not so soon that
// coming again would give them more than their bandwidth.
func TestSharesAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(Limits{})
		busy, gone := l.share("busy"), l.share("gone")
		l.unshare(gone)
		time.Sleep(shareKept / 2)
		if again := l.share("gone"); again != gone {
			t.Error("it is forgotten too soon")
		}
		l.unshare(gone)
		time.Sleep(2 * shareKept)
		if l.share("new"); len(l.shares) != 2 || l.shares["busy"] != busy {
			t.Errorf("%v are left", l.shares)
		}
	})
}
