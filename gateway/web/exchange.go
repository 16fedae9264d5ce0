package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"sftpgate/gateway"
	"sftpgate/gateway/access"
)

// exchange is what one request and its answer share on their way through the front.
type exchange struct {
	front *Front
	w     *responseWriter
	body  *requestBody
	start time.Time
	url   *url.URL        // as it was asked for, before handlers took prefixes off
	cut   context.Context // ends when requests are cut off
	uncut func() bool     // this one need not be any more

	asked     bool // whether authentication was asked
	caller    access.Caller
	callerErr error

	route   string       // the pattern that matched, "" for none
	code    gateway.Code // of the refusal that was written
	cause   error        // for the log alone
	stack   string
	aborted bool
	parted  bool // the answer goes on without the request, see Stream
}

type exchangeKey struct{}

// errNoFront is a wiring mistake, not a client's.
var errNoFront = errors.New("web: the request did not pass through Front.Handler")

func exchangeOf(r *http.Request) *exchange {
	x, _ := r.Context().Value(exchangeKey{}).(*exchange)
	return x
}

func (f *Front) begin(w http.ResponseWriter, r *http.Request) (*exchange, http.ResponseWriter, *http.Request) {
	x := &exchange{front: f, start: time.Now(), url: r.URL}
	rc := http.NewResponseController(w)
	// A copy: net/http looks at the original's Body to decide what to do with the rest of it.
	ctx, cancel := context.WithCancel(context.WithValue(r.Context(), exchangeKey{}, x))
	r = r.WithContext(ctx)
	x.body = newRequestBody(r, rc, f.idle, f.least)
	x.cut, _ = r.Context().Value(cutKey{}).(context.Context)
	if x.cut == nil {
		x.cut = context.Background()
	}
	x.uncut = context.AfterFunc(x.cut, func() {
		cancel()
		x.body.cutOff()
	})
	r.Body = x.body
	x.w = &responseWriter{ResponseWriter: w, rc: rc, x: x}
	if x.body.alone {
		x.w.renew()
	}
	return x, x.w, r
}

// CallerOf says who sent r, or refuses with unauthenticated. It asks the
// authenticator once a request. Handlers that need it always are a [UserFunc].
func CallerOf(r *http.Request) (access.Caller, error) {
	x := exchangeOf(r)
	if x == nil {
		return access.Caller{}, errNoFront
	}
	if !x.asked {
		x.asked = true
		x.caller, x.callerErr = x.front.auth.Authenticate(r)
	}
	return x.caller, x.callerErr
}

// end brings the answer out and throws away a bounded amount of what the
// handler left unread, after the client was told.
func (x *exchange) end() {
	defer x.body.retire()
	x.uncut()
	if x.w.hijacked {
		return
	}
	if x.aborted {
		return
	}
	if !x.w.wrote() {
		x.w.WriteHeader(http.StatusOK)
	}
	x.w.renew()
	if x.w.lingering {
		if x.w.FlushError() == nil {
			x.body.discard(x.front.lingerBytes)
		}
	}
}
