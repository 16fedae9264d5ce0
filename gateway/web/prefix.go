package web

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"sftpgate/gateway"
)

// maxPrefix bounds the base path and what proxies stripped, in bytes each.
const maxPrefix = 256

// ParseBasePath checks the path below which a gateway serves everything. The
// result begins with a slash and does not end with one; "" and "/" mean no base path.
//
// It accepts unreserved characters only. They need no escaping in a URL, in HTML,
// in a shell or in YAML, and the path has a single spelling.
func ParseBasePath(text string) (string, error) {
	path := strings.TrimSuffix(text, "/")
	switch {
	case path == "":
		return "", nil
	case len(path) > maxPrefix:
		return "", fmt.Errorf("the path is longer than %d bytes", maxPrefix)
	case path[0] != '/':
		return "", fmt.Errorf("%q does not begin with a slash; write a path alone, such as /gate", text)
	}
	for component := range strings.SplitSeq(path[1:], "/") {
		if err := checkComponent(component); err != nil {
			return "", fmt.Errorf("%q %w", text, err)
		}
	}
	return path, nil
}

// checkComponent says what is wrong with c, as the end of a sentence.
func checkComponent(c string) error {
	switch c {
	case "":
		return errors.New("has an empty component; remove the double slash")
	case ".", "..":
		return fmt.Errorf("has the component %q; write the path without it", c)
	}
	if i := strings.IndexFunc(c, reserved); i >= 0 {
		return fmt.Errorf(`contains %q; it may contain only letters, digits, "-", ".", "_" and "~"`, []rune(c[i:])[0])
	}
	return nil
}

// reserved tells characters that are not unreserved (RFC 3986 §2.3).
func reserved(c rune) bool {
	switch {
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		return false
	}
	return !strings.ContainsRune("-._~", c)
}

// strip removes the base path from r. If r is not below it, strip answers and
// returns false.
func (f *Front) strip(w http.ResponseWriter, r *http.Request) (below *http.Request, ok bool) {
	if f.base == "" {
		return r, true
	}
	rest, ok := strings.CutPrefix(r.URL.EscapedPath(), f.base)
	switch {
	case ok && strings.HasPrefix(rest, "/"):
		// A copy, because the log line shows the path as the client sent it.
		below = r.WithContext(r.Context())
		u := *r.URL
		// The base path needs no escaping, so it has the same length in both.
		u.Path, u.RawPath = u.Path[len(f.base):], rest
		below.URL = &u
		return below, true
	case ok && rest == "" && (r.Method == http.MethodGet || r.Method == http.MethodHead):
		to := ExternalPath(r, "/")
		if r.URL.RawQuery != "" {
			to += "?" + r.URL.RawQuery
		}
		w.Header().Set("Location", to)
		w.WriteHeader(http.StatusTemporaryRedirect)
		return nil, false
	}
	Fail(w, r, gateway.Refuse(NotFound, "this gateway serves everything below %s; the API begins at %s",
		ExternalPath(r, "/"), ExternalPath(r, "/v1/")))
	return nil, false
}

// Prefix is what precedes every path of the gateway in the client's view: the
// path that proxies stripped, then the base path; "" for neither. It is safe to
// show anywhere.
func Prefix(r *http.Request) string {
	x := exchangeOf(r)
	if x == nil {
		return ""
	}
	return x.front.proxies.prefix(r) + x.front.base
}

// ExternalPath is path, which begins with a slash, as the client must request it.
// Every path that an answer hands out goes through it, in Location for instance.
func ExternalPath(r *http.Request, path string) string { return Prefix(r) + path }
