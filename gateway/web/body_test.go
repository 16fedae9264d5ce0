package web_test

import (
	"bufio"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sftpgate/gateway"
	"sftpgate/gateway/web"
	"sftpgate/remote/remotetest/await"
)

// reader reads the whole body and says how many bytes came.
func reader(w http.ResponseWriter, r *http.Request) error {
	n, err := io.Copy(io.Discard, r.Body)
	if err != nil {
		return fmt.Errorf("receive: %w", err)
	}
	return web.Reply(w, r, 200, n)
}

func refuse(http.ResponseWriter, *http.Request) error {
	return gateway.Refuse(gateway.OwnedByAnother, "somebody else is at it")
}

func dial(t *testing.T, s site) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(await.Limit))
	t.Cleanup(func() { c.Close() })
	return c
}

func answer(t *testing.T, c net.Conn) *http.Response {
	t.Helper()
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	return res
}

func TestStalledBodyIsCutAndOthersGoOn(t *testing.T) {
	const idle = 200 * time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		url, client := protocolSite(t, "HTTP/1.1", web.Options{Idle: idle}, web.HandlerFunc(reader))
		c, began := line(t, client), time.Now()
		fmt.Fprintf(c, "PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc")
		if res, body := doWith(t, client, "PUT", url+"/y", strings.NewReader("hello")); res.StatusCode != 200 || body != "5\n" {
			t.Fatalf("another request: %d %s", res.StatusCode, body)
		}
		res := answer(t, c)
		b, _ := io.ReadAll(res.Body)
		if p := problem(t, res, string(b)); res.StatusCode != 408 || p["code"] != "request-timeout" || p["retryable"] != true {
			t.Fatalf("%d %s", res.StatusCode, b)
		}
		if took := time.Since(began); took != idle {
			t.Errorf("cut after %v", took)
		}
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Fatalf("the connection is still open: %v", err)
		}
	})
}

func TestSlowButMovingBodyIsNotCut(t *testing.T) {
	const idle = 250 * time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		url, c := protocolSite(t, "HTTP/1.1", web.Options{Idle: idle}, web.HandlerFunc(reader))
		pr, pw := io.Pipe()
		go func() {
			for range 12 { // altogether several times the idle time
				time.Sleep(idle / 4)
				if _, err := pw.Write([]byte("x")); err != nil {
					return
				}
			}
			pw.Close()
		}()
		if res, body := doWith(t, c, "PUT", url, pr); res.StatusCode != 200 || body != "12\n" {
			t.Fatalf("%d %s", res.StatusCode, body)
		}
	})
}

// While the host is slow nobody reads the body; that is not the client's silence.
func TestSlowReaderIsNotTheClientsFault(t *testing.T) {
	const idle = 100 * time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		url, c := protocolSite(t, "HTTP/1.1", web.Options{Idle: idle}, web.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
			if _, err := io.ReadFull(r.Body, make([]byte, 10)); err != nil {
				return err
			}
			time.Sleep(2 * idle)
			if _, err := io.Copy(io.Discard, r.Body); err != nil {
				return err
			}
			time.Sleep(2 * idle) // the finish, after the whole body is there
			if err := r.Context().Err(); err != nil {
				return fmt.Errorf("the request was given up: %w", err)
			}
			return web.Reply(w, r, 200, "done")
		}))
		if res, body := doWith(t, c, "PUT", url, strings.NewReader(strings.Repeat("x", 1<<20))); res.StatusCode != 200 {
			t.Fatalf("%d %s", res.StatusCode, body)
		}
	})
}

func TestBodyThatBreaksOffIsTheClientsDoing(t *testing.T) {
	got := make(chan error, 1)
	s := serve(t, web.Options{}, web.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		err := reader(w, r)
		got <- err
		return &gateway.Error{Code: gateway.HostError, Detail: "what a service might make of it", Err: err}
	}))
	c := dial(t, s)
	fmt.Fprintf(c, "PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc")
	_ = c.(*net.TCPConn).CloseWrite()
	res := answer(t, c)
	b, _ := io.ReadAll(res.Body)
	if p := problem(t, res, string(b)); p["code"] != "invalid-request" || !strings.Contains(p["detail"].(string), "ended before") {
		t.Fatalf("%s", b)
	}
	var broken *web.BodyError
	if err := <-got; !errors.As(err, &broken) || broken.Stalled {
		t.Fatalf("%v", err)
	}
}

func TestEarlyRefusalReachesTheClient(t *testing.T) {
	s := serve(t, web.Options{Linger: time.Minute}, web.HandlerFunc(refuse))
	for _, size := range []int64{50 << 20, 3 << 20, 100 << 10, 10} {
		t.Run(fmt.Sprintf("%d bytes", size), func(t *testing.T) {
			res, body := do(t, "PUT", s.URL, io.LimitReader(rand.Reader, size)) // chunked: the length is not known
			if p := problem(t, res, body); res.StatusCode != 423 || p["code"] != "owned-by-another" {
				t.Fatalf("chunked: %d %s", res.StatusCode, body)
			}
			r, _ := http.NewRequest("PUT", s.URL, io.LimitReader(rand.Reader, size))
			r.ContentLength = size
			res, err := client(t).Do(r)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if res.StatusCode != 423 {
				t.Fatal(res.Status)
			}
		})
	}
}

// A browser sends all before it listens: a refused chunk of a usual size must be
// read to its end although nobody wants it.
func TestRefusedChunkIsDrainedForAClientThatSendsBeforeItListens(t *testing.T) {
	s := serve(t, web.Options{Linger: time.Minute}, web.HandlerFunc(refuse))
	c := dial(t, s)
	const size = 8 << 20
	fmt.Fprintf(c, "PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", size)
	if _, err := io.CopyN(c, rand.Reader, size); err != nil {
		t.Fatalf("the body was cut: %v", err)
	}
	if res := answer(t, c); res.StatusCode != 423 || !res.Close {
		t.Fatalf("%d, close %v", res.StatusCode, res.Close)
	}
}

func TestDrainIsBounded(t *testing.T) {
	s := serve(t, web.Options{Linger: 200 * time.Millisecond, LingerBytes: 1 << 20, Idle: time.Hour}, web.HandlerFunc(refuse))
	c := dial(t, s)
	fmt.Fprintf(c, "PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", int64(1)<<40)
	sent := int64(0)
	piece := make([]byte, 64<<10)
	for {
		n, err := c.Write(piece)
		if sent += int64(n); err != nil {
			break
		}
		if sent > 1<<30 {
			t.Fatal("a refused body is read without end")
		}
	}
	silent := dial(t, s)
	fmt.Fprintf(silent, "PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n")
	if _, err := io.Copy(io.Discard, silent); err != nil {
		t.Fatalf("a refused client that sends nothing holds its connection: %v", err)
	}
}

func TestSmallRefusedBodyKeepsTheConnection(t *testing.T) {
	s := serve(t, web.Options{}, web.HandlerFunc(refuse))
	c := dial(t, s)
	in := bufio.NewReader(c)
	for range 3 {
		fmt.Fprintf(c, "PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n%s", strings.Repeat("x", 1000))
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		if res.StatusCode != 423 || res.Close {
			t.Fatalf("%d, close %v", res.StatusCode, res.Close)
		}
	}
}

func TestRefusalComesBeforeTheBodyWhenTheClientAsks(t *testing.T) {
	s := serve(t, web.Options{}, web.HandlerFunc(refuse))
	c := dial(t, s)
	fmt.Fprintf(c, "PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 50000000\r\nExpect: 100-continue\r\n\r\n")
	if res := answer(t, c); res.StatusCode != 423 {
		t.Fatalf("want the refusal and no 100: %d", res.StatusCode)
	}
}

func TestAnswerThatNobodyReadsIsCut(t *testing.T) {
	ended := make(chan error, 1)
	s := serve(t, web.Options{Idle: 150 * time.Millisecond}, web.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
		piece := make([]byte, 1<<20)
		for range 200 {
			if _, err := w.Write(piece); err != nil {
				ended <- err
				return nil
			}
		}
		ended <- nil
		return nil
	}))
	c := dial(t, s)
	fmt.Fprintf(c, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
	if err := await.Receive(t, "the answer to be given up", ended); err == nil {
		t.Fatal("200 MB went into a connection that nobody reads")
	}
}

func TestDeadlinesOfOneRequestDoNotReachTheNext(t *testing.T) {
	const idle = 100 * time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		url, c := protocolSite(t, "HTTP/1.1", web.Options{Idle: idle}, web.HandlerFunc(reader))
		for i := range 3 {
			ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(got httptrace.GotConnInfo) {
				if got.Reused != (i > 0) {
					t.Errorf("request %d goes over another connection", i)
				}
			}})
			r, err := http.NewRequestWithContext(ctx, "PUT", url, strings.NewReader("abc"))
			if err != nil {
				t.Fatal(err)
			}
			res, err := c.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, res.Body)
			res.Body.Close()
			if res.StatusCode != 200 {
				t.Fatal(res.Status)
			}
			time.Sleep(2 * idle) // longer than a body may stand still; between requests another limit holds
		}
	})
}
