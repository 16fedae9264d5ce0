package web

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"
)

// account is what is told of a request when it is over, to the log and to metrics.
type account struct {
	front  *Front
	seen   Seen
	start  time.Time
	path   string // without the query: it may hold a ticket
	user   string
	client string
	probe  bool

	cause   error
	stack   string
	aborted bool
}

func (x *exchange) account(r *http.Request) *account {
	return &account{front: x.front, start: x.start, path: Inert(x.url.EscapedPath()), user: Inert(x.caller.User), client: Inert(x.front.proxies.client(r)),
		probe: isProbe(strings.TrimPrefix(x.url.Path, x.front.base)), cause: x.cause, stack: x.stack, aborted: x.aborted,
		seen: Seen{Method: r.Method, Route: x.route, Status: x.w.status, Code: x.code, In: x.body.count(), Out: x.w.written}}
}

// logLine writes the one line of this request. It must be deferred itself and
// comes last: it lets net/http cut the connection of an answer that broke off.
func (x *exchange) logLine(r *http.Request) {
	if x.parted {
		return
	}
	a := x.account(r)
	a.write(r.Context())
	if a.aborted {
		panic(http.ErrAbortHandler)
	}
}

// part ends the exchange for an answer that goes on by itself, and whoever brings that
// to its end writes the account. Nothing of the request is kept by it.
func (x *exchange) part(r *http.Request) *account {
	x.parted = true
	a := x.account(r)
	a.seen.Status = http.StatusOK
	a.seen.Method, a.path = strings.Clone(a.seen.Method), strings.Clone(a.path)
	a.user, a.client = strings.Clone(a.user), strings.Clone(a.client)
	return a
}

// refused notes why an answer ended that had begun.
func (a *account) refused(err error) {
	p := Explain(err)
	a.seen.Code, a.aborted = p.Code, true
	if p.cause != nil {
		a.cause = p.cause
	}
}

// panicked notes what ended an answer that had begun, and is no refusal.
func (a *account) panicked(v any, stack string) {
	a.cause, a.stack, a.aborted = fmt.Errorf("panic: %v", v), stack, true
}

func (a *account) write(ctx context.Context) {
	a.seen.Took = time.Since(a.start)
	a.front.observe(a.seen)
	level := slog.LevelInfo
	switch {
	case a.seen.Code == Internal || a.stack != "":
		level = slog.LevelError
	case a.seen.Status >= 500:
		level = slog.LevelWarn
	case a.seen.Status < 400 && a.probe:
		level = slog.LevelDebug
	}
	if a.front.log.Enabled(ctx, level) {
		a.front.log.LogAttrs(context.WithoutCancel(ctx), level, "request", a.attrs()...)
	}
}

func (a *account) attrs() []slog.Attr {
	l := []slog.Attr{
		slog.String("method", Inert(a.seen.Method)),
		slog.String("path", a.path),
		slog.Int("status", a.seen.Status),
		slog.String("user", a.user),
		slog.String("client", a.client),
		slog.Int64("in", a.seen.In),
		slog.Int64("out", a.seen.Out),
		slog.Duration("took", a.seen.Took.Round(10*time.Microsecond)),
	}
	if a.seen.Code != "" {
		l = append(l, slog.String("code", string(a.seen.Code)))
	}
	if a.cause != nil {
		l = append(l, slog.String("error", Inert(a.cause.Error())))
	}
	if a.aborted {
		l = append(l, slog.Bool("broke_off", true))
	}
	if a.stack != "" {
		l = append(l, slog.String("stack", a.stack))
	}
	return l
}

func isProbe(path string) bool {
	return path == "/healthz" || path == "/readyz" || path == "/metrics"
}
