package client

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestGapsAndPieces(t *testing.T) {
	for _, c := range []struct {
		received []Span
		size     int64
		want     []Span
	}{
		{nil, 0, nil},
		{nil, 25, []Span{{0, 10}, {10, 20}, {20, 25}}},
		{[]Span{{0, 25}}, 25, nil},
		{[]Span{{0, 3}, {8, 20}}, 25, []Span{{3, 8}, {20, 25}}},
		{[]Span{{5, 6}}, 12, []Span{{0, 5}, {6, 10}, {10, 12}}},
	} {
		if got := pieces(gaps(c.received, c.size), 10); !slices.Equal(got, c.want) {
			t.Errorf("%v of %d: %v, want %v", c.received, c.size, got, c.want)
		}
	}
}

// What may pass is tried again, not before Retry-After is over, and not for ever.
func TestRetries(t *testing.T) {
	busy := &Error{Problem: Problem{Code: "host-unreachable", Status: 503, Retryable: true}, RetryAfter: 7 * time.Second}
	full := &Error{Problem: Problem{Code: "no-space", Status: 507, Retryable: true}}
	synctest.Test(t, func(t *testing.T) {
		c, began, tries := &Client{options: Options{RetryFor: time.Minute}}, time.Now(), 0
		err := c.persist(t.Context(), func() error {
			if tries++; tries < 3 {
				return busy
			}
			return nil
		})
		if err != nil || tries != 3 || time.Since(began) < 14*time.Second {
			t.Errorf("%v after %d tries in %v", err, tries, time.Since(began))
		}
		if err := c.persist(t.Context(), func() error { return busy }); !errors.Is(err, busy) {
			t.Errorf("it ended with %v", err)
		}
		if took := time.Since(began); took > 2*time.Minute {
			t.Errorf("it went on for %v", took)
		}
		tries = 0
		if err := c.persist(t.Context(), func() error { tries++; return full }); !errors.Is(err, full) || tries != 1 {
			t.Errorf("%v after %d tries", err, tries)
		}
		stop := errors.New("stop")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(stop) })
		if err := c.persist(ctx, func() error { return busy }); !errors.Is(err, stop) {
			t.Errorf("stopped, it ended with %v", err)
		}
	})
}

func TestProblemsAreTypedErrors(t *testing.T) {
	gate := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/gate/v1/uploads/full":
			w.Header().Set("Content-Type", "application/problem+json")
			w.Header().Set("Retry-After", "9")
			w.WriteHeader(http.StatusTooManyRequests)
			_, _ = w.Write([]byte(`{"code":"too-many","detail":"send fewer","retryable":true}`))
		case "/gate/v1/uploads/page":
			_, _ = w.Write([]byte("<html>Sign in</html>"))
		default:
			w.WriteHeader(http.StatusBadGateway)
		}
	}))
	defer gate.Close()
	c, err := New(Options{URL: gate.URL + "/gate/"})
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]Error{
		"full":  {Problem: Problem{Code: "too-many", Status: 429, Retryable: true}, RetryAfter: 9 * time.Second},
		"page":  {Problem: Problem{Code: NotAGateway, Status: 200}},
		"other": {Problem: Problem{Code: NotAGateway, Status: 502, Retryable: true}},
	} {
		_, err := c.Upload(t.Context(), id)
		var got *Error
		if !errors.As(err, &got) || got.Code != want.Code || got.Status != want.Status || got.Retryable != want.Retryable || got.RetryAfter != want.RetryAfter {
			t.Errorf("%s: %+v", id, err)
		}
	}
	gate.Close()
	if _, err := c.Upload(t.Context(), "x"); CodeOf(err) != Unreached || !Passing(err) {
		t.Errorf("of a gateway that is gone: %v", err)
	}
}

func TestEventsUpToTheEnd(t *testing.T) {
	var states []string
	read := func(text string) (Upload, bool) {
		states = nil
		return readEvents(strings.NewReader(text), func() {}, func(u Upload) { states = append(states, u.State) })
	}
	whole := "retry: 2000\n\nevent: progress\ndata: {\"state\":\"merging\"}\n\n: alive\n\nevent: done\ndata: {\"id\":\"x\",\"state\":\"done\"}\n\n"
	if u, ok := read(whole); !ok || u.ID != "x" || !slices.Equal(states, []string{"merging", "done"}) {
		t.Errorf("%v %v %v", u, ok, states)
	}
	if _, ok := read(whole[:60]); ok || len(states) != 1 {
		t.Errorf("a stream that broke off has an end: %v", states)
	}
}
