package web

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"sftpgate/gateway/access"
)

// Options say how a Front behaves. The zero value of a duration or a size means its default.
type Options struct {
	// Auth says who is asking. Required.
	Auth Authenticator
	// Origins are the web sites (scheme://host[:port], "null" for pages opened
	// from a file, "*" for all, then without credentials) whose pages may call.
	// The gateway's own pages always may.
	Origins []string
	// Names, when not nil, are the host names by which the gateway may be
	// addressed, beside IP addresses and localhost. It stops a web site whose name
	// is made to resolve to a loopback address (DNS rebinding).
	Names []string
	// Proxies are believed when they say on whose behalf they ask.
	Proxies Proxies
	// BasePath is the path below which everything is served, such as "/gate" (see
	// [ParseBasePath]); "" for none. Handlers see paths without it.
	BasePath string
	// Idle is how long a body or an answer may stand still. Default 60 s.
	Idle time.Duration
	// MinBandwidth is how many bytes a second a body must bring while it is waited for;
	// one that falls a minute behind is cut. Default DefaultMinBandwidth; less than 0: any.
	MinBandwidth int64
	// Linger is how long the rest of a refused body is read and thrown away, so
	// that a client which sends before it listens sees the answer and not a reset.
	// Default 2 s.
	Linger time.Duration
	// LingerBytes bounds the same in bytes. Default 16 MiB: a chunk of the usual
	// sizes fits, so that a browser (which reads no answer before it has sent
	// everything) sees the status.
	LingerBytes int64
	// Heartbeat is how often a stream of events shows that it is alive. Default 15 s.
	Heartbeat time.Duration
	// Log gets one line a request. Default slog.Default().
	Log *slog.Logger
	// Observe is told of every request once it is answered; nil: nobody. It
	// returns at once.
	Observe func(Seen)
}

// Front stands before every route.
type Front struct {
	auth        Authenticator
	origins     origins
	names       map[string]bool
	proxies     Proxies
	base        string
	idle        time.Duration
	least       int64 // bytes a second of a body
	linger      time.Duration
	lingerBytes int64
	heartbeat   time.Duration
	log         *slog.Logger
	observe     func(Seen)
}

// New checks the options and makes a Front. It fails when the authenticator is
// missing, or an origin or the base path is not valid.
func New(o Options) (*Front, error) {
	if o.Auth == nil {
		return nil, errors.New("web: no authenticator given")
	}
	allowed, err := parseOrigins(o.Origins)
	if err != nil {
		return nil, err
	}
	base, err := ParseBasePath(o.BasePath)
	if err != nil {
		return nil, fmt.Errorf("base path: %w", err)
	}
	f := &Front{auth: o.Auth, origins: allowed, proxies: o.Proxies, base: base, idle: o.Idle, least: max(o.MinBandwidth, 0),
		linger: o.Linger, lingerBytes: o.LingerBytes, heartbeat: o.Heartbeat, log: o.Log, observe: o.Observe}
	if o.Names != nil {
		f.names = make(map[string]bool, len(o.Names))
		for _, n := range o.Names {
			f.names[hostName(n)] = true
		}
	}
	if f.idle <= 0 {
		f.idle = time.Minute
	}
	if o.MinBandwidth == 0 {
		f.least = DefaultMinBandwidth
	}
	if f.linger <= 0 {
		f.linger = 2 * time.Second
	}
	if f.lingerBytes <= 0 {
		f.lingerBytes = 16 << 20
	}
	if f.heartbeat <= 0 {
		f.heartbeat = 15 * time.Second
	}
	if f.log == nil {
		f.log = slog.Default()
	}
	if f.observe == nil {
		f.observe = func(Seen) {}
	}
	return f, nil
}

// Handler puts the front before next.
func (f *Front) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x, w, r := f.begin(w, r)
		// The order matters: a panic is turned into an answer first, then the
		// answer is brought out, then the line is written.
		defer x.logLine(r)
		defer x.end()
		defer x.recoverPanic(w, r)
		secure(w.Header())
		if m, ok := next.(*Mux); ok {
			m.preset(w.Header(), strings.TrimPrefix(r.URL.EscapedPath(), f.base))
		}
		if done, err := f.admit(w, r); err != nil {
			Fail(w, r, err)
			return
		} else if done {
			return
		}
		if below, ok := f.strip(w, r); ok {
			next.ServeHTTP(w, below)
		}
	})
}

// secure sets what every answer carries. The page loosens the policy for itself.
func secure(h http.Header) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Cache-Control", "no-store")
}

// recoverPanic must be deferred itself. One request's panic ends that request alone.
func (x *exchange) recoverPanic(w http.ResponseWriter, r *http.Request) {
	v := recover()
	if v == nil {
		return
	}
	x.stack = string(debug.Stack())
	if v == http.ErrAbortHandler { //nolint:errorlint // a sentinel value thrown as it is
		x.stack = ""
		x.aborted = true
		return
	}
	x.cause = fmt.Errorf("panic: %v", v)
	if x.w.wrote() {
		// Half an answer must not look like a whole one.
		x.aborted = true
		return
	}
	Fail(w, r, x.cause)
}

// HandlerFunc is a handler that returns its refusal instead of writing it.
type HandlerFunc func(w http.ResponseWriter, r *http.Request) error

// ServeHTTP calls h and writes the error it returns.
func (h HandlerFunc) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := h(w, r); err != nil {
		Fail(w, r, err)
	}
}

// UserFunc is a handler that is only called for a caller who is known.
type UserFunc func(w http.ResponseWriter, r *http.Request, c access.Caller) error

// ServeHTTP authenticates, calls h and writes the error it returns.
func (h UserFunc) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c, err := CallerOf(r)
	if err == nil {
		err = h(w, r, c)
	}
	if err != nil {
		Fail(w, r, err)
	}
}
