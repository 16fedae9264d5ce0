package web

import "net/http"

// Refusal writes the status and the body of a refusal in the shape that the clients
// of a dialect know. Retry-After and the challenge of a 401 are set before.
type Refusal func(w http.ResponseWriter, r *http.Request, p Problem)

// As is h with refusals written by refuse instead of as problem+json.
func (h UserFunc) As(refuse Refusal) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := CallerOf(r)
		if err == nil {
			err = h(w, r, c)
		}
		if err != nil {
			failAs(w, r, err, refuse)
		}
	})
}

func failAs(w http.ResponseWriter, r *http.Request, err error, refuse Refusal) {
	x := exchangeOf(r)
	p := Explain(x.ended(r, err))
	Remember(r, p)
	if x != nil && x.caller.Admin && p.operator != "" {
		p.Detail = p.operator
	}
	if x != nil && x.w.wrote() {
		x.aborted = true
		return
	}
	p.SetRetryAfter(w.Header())
	if p.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", challengeFor(r, p))
	}
	refuse(w, r, p)
}

// ReplyText answers with a text.
func ReplyText(w http.ResponseWriter, r *http.Request, status int, text string) error {
	writeBody(w, r, status, "text/plain; charset=utf-8", []byte(text))
	return nil
}
