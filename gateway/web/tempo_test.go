package web_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sftpgate/gateway/web"
)

// trickle sends n bytes of a body at a time, so often, until all are sent, nobody reads
// or the test is over.
func trickle(t *testing.T, w io.WriteCloser, all, n int, every time.Duration) {
	defer w.Close()
	for ; all > 0; all -= n {
		if _, err := io.WriteString(w, strings.Repeat("x", n)); err != nil {
			return
		}
		select {
		case <-time.After(every):
		case <-t.Context().Done():
			return
		}
	}
}

// A client that never stands still for the idle time, and brings next to nothing, is
// waited for no longer than one that is silent.
func TestTrickledBodyIsCut(t *testing.T) {
	eachProtocol(t, func(t *testing.T, protocol string) {
		got := make(chan error, 1)
		url, c := protocolSite(t, protocol, web.Options{}, web.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) error {
			_, err := io.Copy(io.Discard, r.Body)
			got <- err
			return err
		}))
		body, in := io.Pipe()
		defer body.Close()
		began := time.Now()
		go trickle(t, in, 1000, 1, time.Second)
		res, err := c.Post(url, "", body)
		if err == nil {
			b, _ := io.ReadAll(res.Body)
			res.Body.Close()
			if p := problem(t, res, string(b)); res.StatusCode != 408 || p["code"] != "request-timeout" || p["retryable"] != true {
				t.Errorf("%s %s", res.Status, b)
			}
		}
		var broken *web.BodyError
		if err := <-got; !errors.As(err, &broken) || !broken.Slow || broken.Stalled {
			t.Errorf("%v", err)
		}
		if took := time.Since(began); took < 59*time.Second || took > 61*time.Second {
			t.Errorf("cut after %v", took)
		}
	})
}

// The client is told, and its connection is closed: the rest would come as slowly.
func TestTrickledBodyIsAnsweredAndItsConnectionClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, client := protocolSite(t, "HTTP/1.1", web.Options{}, web.HandlerFunc(reader))
		c := line(t, client)
		fmt.Fprintf(c, "PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n")
		go trickle(t, unclosed{c}, 1000, 1, time.Second)
		res := answer(t, c)
		b, _ := io.ReadAll(res.Body)
		if p := problem(t, res, string(b)); res.StatusCode != 408 || !res.Close || !strings.HasPrefix(p["detail"].(string), "the body arrived too slowly") {
			t.Errorf("%s, close %v, %s", res.Status, res.Close, b)
		}
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("the connection is still open: %v", err)
		}
	})
}

type unclosed struct{ io.Writer }

func (unclosed) Close() error { return nil }

// A part's header counts as well: what comes is a form's, and no byte of a file yet.
func TestTrickledFormIsCut(t *testing.T) {
	const head = "--B\r\nContent-Disposition: form-data; name=f; filename=x\r\n"
	for where, first := range map[string]string{"in a header": head + "X-Long: ", "in a file": head + "\r\n", "before all parts": ""} {
		t.Run(where, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, client := protocolSite(t, "HTTP/1.1", web.Options{}, web.HandlerFunc(sum))
				c, began := line(t, client), time.Now()
				fmt.Fprintf(c, "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 9000\r\nContent-Type: multipart/form-data; boundary=B\r\n\r\n%s", first)
				go trickle(t, unclosed{c}, 8000, 20, 10*time.Second)
				if res := answer(t, c); res.StatusCode != 408 || !res.Close {
					t.Errorf("%s, close %v", res.Status, res.Close)
				}
				if took := time.Since(began); took < 50*time.Second || took > 70*time.Second {
					t.Errorf("cut after %v", took)
				}
				_, _ = io.Copy(io.Discard, c) // until it is closed
			})
		})
	}
}

// Slow links are waited for, whatever they look like.
func TestSlowLinksAreWaitedFor(t *testing.T) {
	for link, c := range map[string]struct {
		all, n int
		every  time.Duration
		min    int64 // 0: the default
		idle   time.Duration
	}{
		"a little more than the least":  {all: 1 << 20, n: 1100, every: time.Second},
		"a tunnel of half a minute":     {all: 1 << 20, n: 64 << 10, every: 35 * time.Second},
		"a few bytes that are all":      {all: 30, n: 1, every: time.Second},
		"an operator who waits longer":  {all: 32 << 10, n: 4 << 10, every: 4 * time.Minute, idle: 5 * time.Minute, min: 10},
		"an operator who has all wait":  {all: 600, n: 1, every: time.Second, min: -1},
		"an operator who wants no more": {all: 600, n: 1, every: time.Second, min: 1},
	} {
		t.Run(link, func(t *testing.T) {
			eachProtocol(t, func(t *testing.T, protocol string) {
				url, client := protocolSite(t, protocol, web.Options{Idle: c.idle, MinBandwidth: c.min}, web.HandlerFunc(reader))
				body, in := io.Pipe()
				go trickle(t, in, c.all-c.all%c.n, c.n, c.every)
				if res, answer := doWith(t, client, "PUT", url, body); res.StatusCode != 200 {
					t.Errorf("%s %s", res.Status, answer)
				}
			})
		})
	}
}

// What was sent quickly before is no reason to wait for the rest for longer.
func TestQuickBeginningIsNoCredit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, client := protocolSite(t, "HTTP/1.1", web.Options{}, web.HandlerFunc(reader))
		c := line(t, client)
		fmt.Fprintf(c, "PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 20000000\r\n\r\n%s", strings.Repeat("x", 10<<20))
		began := time.Now()
		go trickle(t, unclosed{c}, 1000, 1, time.Second)
		if res := answer(t, c); res.StatusCode != 408 {
			t.Error(res.Status)
		}
		if took := time.Since(began); took > 61*time.Second {
			t.Errorf("cut after %v", took)
		}
		_, _ = io.Copy(io.Discard, c) // until it is closed
	})
}

// A gateway that reads slowly, since a host is slow or bytes are held back, calls no
// client slow for it.
func TestSlowGatewayIsNotTheClientsFault(t *testing.T) {
	eachProtocol(t, func(t *testing.T, protocol string) {
		const size, each = 64 << 10, 64
		url, c := protocolSite(t, protocol, web.Options{}, web.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
			n := 0
			for p := make([]byte, each); ; time.Sleep(time.Second) {
				m, err := r.Body.Read(p)
				n += m
				switch {
				case errors.Is(err, io.EOF):
					return web.Reply(w, r, 200, n)
				case err != nil:
					return err
				}
			}
		}))
		began := time.Now()
		res, body := doWith(t, c, "PUT", url, strings.NewReader(strings.Repeat("x", size)))
		if took := time.Since(began); res.StatusCode != 200 || body != fmt.Sprintln(size) || took < size/each*time.Second {
			t.Errorf("%s %s after %v", res.Status, body, took)
		}
	})
}
