package limit

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func bodyFor(user, host string, most int) *bodyOf {
	return &bodyOf{host: Host{ID: host, MaxBodies: func() int { return most }}, user: user}
}

// fullError is the refusal in err; nil when there is none.
func fullError(err error) *FullError {
	var e *FullError
	errors.As(err, &e)
	return e
}

// entered lets a body in that there is room for.
func entered(t *testing.T, b *bodies, of *bodyOf) (leave func()) {
	t.Helper()
	leave, err := b.enter(t.Context(), of)
	if err != nil {
		t.Fatal(err)
	}
	return leave
}

func TestBodiesAtOnce(t *testing.T) {
	for name, c := range map[string]struct {
		limits  Limits
		inside  []*bodyOf
		refused *bodyOf
		taken   *bodyOf // beside those inside
		says    string
	}{
		"host":    {Limits{Bodies: 9}, []*bodyOf{bodyFor("a", "h", 2), bodyFor("b", "h", 2)}, bodyFor("c", "h", 2), bodyFor("c", "i", 2), "host h takes 2 request bodies"},
		"user":    {Limits{Bodies: 9, UserBodies: 1}, []*bodyOf{bodyFor("a", "h", 0)}, bodyFor("a", "i", 0), bodyFor("b", "h", 0), "you are sending one request body"},
		"gateway": {Limits{Bodies: 2}, []*bodyOf{bodyFor("a", "h", 0), bodyFor("b", "i", 0)}, bodyFor("c", "j", 0), nil, "the gateway takes 2 request bodies"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c.limits.Wait = 3 * time.Second
				b := newBodies(c.limits)
				var leave []func()
				for _, of := range c.inside {
					leave = append(leave, entered(t, b, of))
				}
				if c.taken != nil {
					leave = append(leave, entered(t, b, c.taken))
				}
				began := time.Now()
				_, err := b.enter(t.Context(), c.refused)
				if e := fullError(err); e == nil || e.RetryAfter != fullFor || !strings.Contains(e.Error(), c.says) || time.Since(began) != 3*time.Second {
					t.Errorf("after %v: %v", time.Since(began), err)
				}
				time.AfterFunc(time.Second, leave[0])
				leave = append(leave, entered(t, b, c.refused))
				for _, l := range leave {
					l()
					l() // once more does no harm
				}
				if b.all != 0 || len(b.byHost)+len(b.byUser)+len(b.waiting.lines)+b.waiting.n != 0 {
					t.Errorf("something is left: %+v", b)
				}
			})
		})
	}
}

// One user's many bodies in line do not keep another's one waiting behind them,
// and one who meets a limit of his own is passed by.
func TestPlacesAreGivenInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBodies(Limits{Bodies: 4, UserBodies: 3, Wait: time.Hour})
		var order []string
		wait := func(user, host string, most int) {
			go func() {
				leave, err := b.enter(t.Context(), bodyFor(user, host, most))
				if err != nil {
					t.Error(err)
					return
				}
				order = append(order, user+host)
				time.Sleep(time.Minute)
				leave()
			}()
			synctest.Wait()
		}
		first := entered(t, b, bodyFor("x", "h", 1))
		for range 3 {
			wait("a", "h", 1)
		}
		wait("b", "h", 1)
		wait("c", "h", 1)
		wait("c", "h", 1)
		wait("d", "i", 0) // another host
		first()
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if want := []string{"di", "ah", "bh", "ch", "ah", "ch", "ah"}; !slices.Equal(order, want) {
			t.Errorf("%v, want %v", order, want)
		}
	})
}

// A limit that a reload raises lets those in who wait, with the next who comes
// or goes.
func TestPlacesAreReloaded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBodies(Limits{Bodies: 9, Wait: time.Minute})
		most := 1
		of := &bodyOf{host: Host{ID: "h", MaxBodies: func() int { return most }}, user: "a"}
		entered(t, b, of)
		in := make(chan error)
		go func() { _, err := b.enter(t.Context(), of); in <- err }()
		synctest.Wait()
		most = 3 // the last place is for others
		entered(t, b, bodyFor("b", "i", 0))
		if err := <-in; err != nil {
			t.Error(err)
		}
	})
}

// The line is bounded, and it is the longest one that is cut.
func TestLinesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBodies(Limits{Bodies: 1, Wait: time.Minute})
		leave := entered(t, b, bodyFor("x", "h", 0))
		results := map[string][]error{}
		ctx, cancel := context.WithCancel(t.Context())
		wait := func(user string) {
			go func() {
				leave, err := b.enter(ctx, bodyFor(user, "h", 0))
				results[user] = append(results[user], err)
				if err == nil {
					leave()
				}
			}()
			synctest.Wait()
		}
		for range maxWaiting + 3 {
			wait("many")
		}
		wait("one")
		if len(results["many"]) != 4 || fullError(results["many"][3]) == nil || len(results["one"]) != 0 || b.waiting.n != maxWaiting {
			t.Errorf("%v, %d wait", results, b.waiting.n)
		}
		leave() // each lets the next one in
		synctest.Wait()
		if n := len(results["many"]); n != maxWaiting+3 || len(results["one"]) != 1 || results["one"][0] != nil || results["many"][n-1] != nil {
			t.Errorf("%d and %v", n, results["one"])
		}
		leave = entered(t, b, bodyFor("x", "h", 0))
		wait("gone")
		cancel()
		synctest.Wait()
		if err := results["gone"]; len(err) != 1 || !errors.Is(err[0], context.Canceled) || b.waiting.n != 0 {
			t.Errorf("%v", err)
		}
		leave()
	})
}
