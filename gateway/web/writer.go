package web

import (
	"bufio"
	"net"
	"net/http"
	"time"
)

const (
	// pieceSize is what is written under one deadline.
	pieceSize = 64 << 10
	// quietRest is what net/http itself reads of a body before it answers, to keep
	// the connection (maxPostHandlerReadBytes).
	quietRest = 256 << 10
)

// responseWriter writes an answer under a deadline that every piece moves, and
// decides what becomes of a body that the handler did not read to its end.
type responseWriter struct {
	http.ResponseWriter
	rc        *http.ResponseController
	x         *exchange
	status    int
	written   int64
	lingering bool
	hijacked  bool
}

func (w *responseWriter) wrote() bool { return w.status != 0 }

func (w *responseWriter) renew() {
	_ = w.rc.SetWriteDeadline(time.Now().Add(w.x.front.idle))
}

// rest takes the deadline back while nothing is written. HTTP/2 ends a stream
// when its deadline passes, and not with the next write to it: a handler that
// takes its time would lose the answer.
func (w *responseWriter) rest() {
	if !w.x.body.alone {
		_ = w.rc.SetWriteDeadline(time.Time{})
	}
}

// WriteHeader sends the status once; a second one is ignored.
func (w *responseWriter) WriteHeader(status int) {
	if status >= 100 && status < 200 && status != http.StatusSwitchingProtocols {
		w.ResponseWriter.WriteHeader(status)
		return
	}
	if w.wrote() {
		return
	}
	w.status = status
	w.settleBody()
	if w.x.body.alone {
		w.renew()
	}
	w.ResponseWriter.WriteHeader(status)
}

// settleBody is called when the answer is known. With a small rest net/http
// reads it and keeps the connection; with more, the connection is closed, but
// only after the answer is out and a bounded amount was thrown away.
func (w *responseWriter) settleBody() {
	b := w.x.body
	if !b.alone {
		return
	}
	rest := b.rest()
	if b.broken.Load() {
		w.Header().Set("Connection", "close")
		return
	}
	if rest == 0 {
		return
	}
	_ = w.rc.SetReadDeadline(time.Now().Add(w.x.front.linger))
	if b.unasked() {
		// Reading would ask for the body after all.
		w.Header().Set("Connection", "close")
		return
	}
	if rest > 0 && rest <= quietRest {
		return
	}
	w.Header().Set("Connection", "close")
	if err := w.rc.EnableFullDuplex(); err == nil {
		w.lingering = true
	}
}

func (w *responseWriter) Write(p []byte) (int, error) {
	if !w.wrote() {
		w.WriteHeader(http.StatusOK)
	}
	done := 0
	for {
		w.renew()
		n, err := w.ResponseWriter.Write(p[done:min(len(p), done+pieceSize)])
		w.rest()
		done += n
		w.written += int64(n)
		if err != nil || done >= len(p) {
			return done, err
		}
	}
}

// FlushError makes the writer a flusher for http.ResponseController.
func (w *responseWriter) FlushError() error {
	if !w.wrote() {
		w.WriteHeader(http.StatusOK)
	}
	w.renew()
	defer w.rest()
	return w.rc.Flush()
}

// Hijack hands the connection over; no deadline of this request touches it any more.
func (w *responseWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, rw, err := w.rc.Hijack()
	if err == nil {
		w.hijacked = true
		w.status = http.StatusSwitchingProtocols
	}
	return c, rw, err
}

// Unwrap lets http.ResponseController reach the writer below.
func (w *responseWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
