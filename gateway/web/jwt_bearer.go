package web

import (
	"net/http"
	"strings"

	"sftpgate/gateway"
)

// maxBearer bounds a ticket in bytes; more does not get through most proxies anyway.
const maxBearer = 8 << 10

// bearer is the ticket or token of a request (RFC 6750 §2.1). It is read from
// this header alone: what stands in a URL ends in logs and histories, and what a
// browser sends by itself can be sent by any page.
func bearer(h http.Header) (string, error) {
	refuse := func(why string) (string, error) {
		return "", gateway.Refuse(gateway.Unauthenticated, "%s", why)
	}
	values := h.Values("Authorization")
	switch len(values) {
	case 0:
		return refuse("this call needs a ticket: get one from your panel and send it as Authorization: Bearer TICKET")
	case 1:
	default:
		return refuse("the header Authorization occurs more than once; send it once")
	}
	scheme, rest, _ := strings.Cut(values[0], " ")
	text := strings.Trim(rest, " ")
	switch {
	case !strings.EqualFold(scheme, "Bearer"):
		return refuse("the header Authorization must be: Bearer TICKET")
	case text == "":
		return refuse("the header Authorization has no ticket")
	case len(text) > maxBearer:
		return refuse("the ticket is longer than 8 KiB")
	case strings.ContainsFunc(text, notToken68):
		return refuse("the header Authorization has characters that are not valid in a ticket")
	}
	return text, nil
}

// notToken68 tells characters that cannot be in b64token.
func notToken68(c rune) bool {
	switch {
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		return false
	}
	return !strings.ContainsRune("-._~+/=", c)
}

// challenge is as RFC 6750 §3 wants it: who sent no ticket is told the scheme alone.
func (a *jwtAuth) challenge(r *http.Request, p Problem) string {
	if len(r.Header.Values("Authorization")) == 0 {
		return "Bearer"
	}
	return `Bearer error="invalid_token", error_description="` + described(p.Detail) + `"`
}

// described is text as error_description takes it: ASCII without quotes and backslashes.
func described(text string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c == '"':
			return '\''
		case c < ' ', c == '\\', c > '~':
			return '?'
		}
		return c
	}, text)
}
