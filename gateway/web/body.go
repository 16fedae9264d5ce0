package web

import (
	"errors"
	"io"
	"net/http"
	"os"
	"sync/atomic"
	"time"
)

// BodyError says that a request's body did not come whole. It is the client's
// or the network's doing, never the host's: whoever passes it on must keep it
// visible to errors.As.
type BodyError struct {
	// Stalled: nothing arrived for the idle time. Slow: too little did. Otherwise the
	// body broke off.
	Stalled, Slow bool
	Err           error
}

func (e *BodyError) Error() string {
	switch {
	case e.Stalled:
		return "the request's body stalled"
	case e.Slow:
		return "the request's body arrived too slowly"
	}
	return "the request's body broke off: " + e.Err.Error()
}

func (e *BodyError) Unwrap() error { return e.Err }

// requestBody reads a request's body under a deadline that every read moves.
// The time counts while the client is waited for, not while the reader of the
// body is busy: a host that is slow is not the client's fault.
type requestBody struct {
	rc    *http.ResponseController
	in    io.ReadCloser
	idle  time.Duration
	tempo tempo
	size  int64 // declared, -1 when unknown
	await bool  // the client waits for "100 Continue" before it sends
	alone bool  // HTTP/1: what is left of the body stands before the next request

	n       atomic.Int64
	started atomic.Bool
	over    atomic.Bool // came to its end, or broke
	broken  atomic.Bool
	cut     atomic.Bool // the server has no time for the rest
	retired atomic.Bool // the request is answered; the connection belongs to the next one
}

func newRequestBody(r *http.Request, rc *http.ResponseController, idle time.Duration, least int64) *requestBody {
	// Who may stand still for longer than is usual must not be called slow for it.
	b := &requestBody{rc: rc, in: r.Body, idle: idle, tempo: tempo{least: least, most: max(idle, behindFor)}, size: r.ContentLength,
		await: r.Header.Get("Expect") != "", alone: r.ProtoMajor == 1}
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 {
		b.in = http.NoBody
		b.over.Store(true)
	}
	return b
}

func (b *requestBody) Read(p []byte) (int, error) {
	if b.retired.Load() {
		return 0, http.ErrBodyReadAfterClose
	}
	if b.over.Load() {
		return b.in.Read(p)
	}
	if !b.started.Swap(true) && b.await && b.alone {
		// The first read asks the client for the body, perhaps long after the request came.
		_ = b.rc.SetWriteDeadline(time.Now().Add(b.idle))
	}
	// A connection that knows no deadlines is read without: there is nothing better.
	began := time.Now()
	wait, slow := b.tempo.wait(b.idle)
	_ = b.rc.SetReadDeadline(began.Add(wait))
	if b.cut.Load() { // looked at after the deadline was moved: cutOff moves it after that is set
		return 0, &BodyError{Err: errCutOff}
	}
	n, err := b.in.Read(p)
	b.n.Add(int64(n))
	b.tempo.read(n, min(time.Since(began), wait)) // this process may have stood still for longer
	switch err {                                  //nolint:errorlint // a wrapped EOF is not the body's end
	case nil:
		if !b.alone {
			// HTTP/2 ends the body when the deadline passes, whether anybody reads or not.
			_ = b.rc.SetReadDeadline(time.Time{})
		}
		return n, nil
	case io.EOF:
		b.over.Store(true)
		// From here on net/http reads the connection in the background to notice
		// that the client left. A deadline would look like that.
		_ = b.rc.SetReadDeadline(time.Time{})
		return n, io.EOF
	default:
		if b.cut.Load() {
			return n, &BodyError{Err: errCutOff} // the rest still stands there, see discard
		}
		b.over.Store(true)
		b.broken.Store(true)
		late := errors.Is(err, os.ErrDeadlineExceeded)
		return n, &BodyError{Stalled: late && !slow, Slow: late && slow, Err: err}
	}
}

func (b *requestBody) Close() error { return b.in.Close() }

// errCutOff is why a body is read no further when the server is closed.
var errCutOff = errors.New("the server is shutting down")

// cutOff ends a Read that waits, and all later ones.
func (b *requestBody) cutOff() {
	b.cut.Store(true)
	if !b.over.Load() && !b.retired.Load() {
		_ = b.rc.SetReadDeadline(time.Unix(1, 0))
	}
}

// rest is how many bytes have not been read: 0 at the end, -1 when unknown.
func (b *requestBody) rest() int64 {
	switch {
	case b.over.Load():
		return 0
	case b.size < 0:
		return -1
	default:
		return b.size - b.n.Load()
	}
}

// unasked reports whether the client still waits to be asked for the body.
func (b *requestBody) unasked() bool { return b.await && !b.started.Load() }

// discard reads on for at most limit bytes; the deadline set before stands.
func (b *requestBody) discard(limit int64) {
	if b.over.Load() || b.retired.Load() {
		return
	}
	_, err := io.CopyN(io.Discard, b.in, limit)
	if errors.Is(err, io.EOF) {
		b.over.Store(true)
		_ = b.rc.SetReadDeadline(time.Time{})
	}
}

// retire makes later reads fail without touching the connection.
func (b *requestBody) retire() { b.retired.Store(true) }

func (b *requestBody) count() int64 { return b.n.Load() }
