package web

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"sftpgate/gateway"
)

// Mux finds the handler for a request by the path as it was sent. Unlike
// http.ServeMux it never redirects and never cleans: "//", "..", "%2e" and
// "%2f" reach the handler as they are (a redirected PUT has already lost its
// body, and what a path may hold is decided in one place, behind).
type Mux struct {
	routes  []route
	presets []preset
}

// preset is a header of all answers below a path.
type preset struct{ path, name, value string }

type route struct {
	pattern string
	method  string // "" for all
	parts   []part
	handler http.Handler
}

// part is one component of a pattern: literal text, a {name}, or a final
// {name...} that takes the rest.
type part struct {
	text string
	name string
	rest bool
}

// NewMux makes a Mux without routes.
func NewMux() *Mux { return &Mux{} }

// Handle adds a route. The pattern is "[METHOD ]/literal/{name}/{rest...}";
// the first route added that matches wins. A {name} takes one component that is
// not empty, {rest...} all that follows, with its slashes, or nothing; both are
// percent-decoded exactly once and found by Request.PathValue. GET also takes
// HEAD. It panics on a pattern that is none.
func (m *Mux) Handle(pattern string, h http.Handler) {
	method, path, ok := strings.Cut(pattern, " ")
	if !ok {
		method, path = "", pattern
	}
	if !strings.HasPrefix(path, "/") || strings.ToUpper(method) != method {
		panic(fmt.Sprintf("web: bad pattern %q", pattern))
	}
	rt := route{pattern: pattern, method: method, handler: h}
	texts := strings.Split(path[1:], "/")
	for i, t := range texts {
		p := part{text: t}
		if inner, ok := strings.CutPrefix(t, "{"); ok {
			p = part{name: strings.TrimSuffix(inner, "}")}
			p.name, p.rest = strings.CutSuffix(p.name, "...")
		}
		if p.rest && i != len(texts)-1 {
			panic(fmt.Sprintf("web: bad pattern %q: {…...} must come last", pattern))
		}
		rt.parts = append(rt.parts, p)
	}
	m.routes = append(m.routes, rt)
}

// Preset has all answers below a path, such as "/x/", carry a header: those too that no
// route gives, and the refusals of the [Front] before it.
func (m *Mux) Preset(path, name, value string) {
	m.presets = append(m.presets, preset{path, name, value})
}

// preset sets the headers that an answer to a path carries.
func (m *Mux) preset(h http.Header, path string) {
	for _, p := range m.presets {
		if strings.HasPrefix(path, p.path) {
			h.Set(p.name, p.value)
		}
	}
}

// Routes lists the patterns in the order in which they were added.
func (m *Mux) Routes() []string {
	patterns := make([]string, len(m.routes))
	for i, rt := range m.routes {
		patterns[i] = rt.pattern
	}
	return patterns
}

// ServeHTTP calls the first route that matches; otherwise it refuses with
// not-found or method-not-allowed.
func (m *Mux) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path, ok := strings.CutPrefix(r.URL.EscapedPath(), "/")
	if !ok { // "OPTIONS *", CONNECT
		Fail(w, r, gateway.Refuse(NotFound, "no such address"))
		return
	}
	var allow []string
	for _, rt := range m.routes {
		values, ok := rt.match(path)
		if !ok {
			continue
		}
		if rt.method != "" && rt.method != r.Method && (rt.method != http.MethodGet || r.Method != http.MethodHead) {
			allow = append(allow, rt.method)
			continue
		}
		for name, value := range values {
			r.SetPathValue(name, value)
		}
		if x := exchangeOf(r); x != nil {
			x.route = rt.pattern
		}
		rt.handler.ServeHTTP(w, r)
		return
	}
	m.refuse(w, r, allow)
}

func (m *Mux) refuse(w http.ResponseWriter, r *http.Request, allow []string) {
	if len(allow) == 0 {
		Fail(w, r, gateway.Refuse(NotFound, "no such address; the API begins at %s", ExternalPath(r, "/v1/")))
		return
	}
	if slices.Contains(allow, http.MethodGet) {
		allow = append(allow, http.MethodHead)
	}
	allow = append(allow, http.MethodOptions)
	slices.Sort(allow)
	list := strings.Join(slices.Compact(allow), ", ")
	w.Header().Set("Allow", list)
	if r.Method == http.MethodOptions {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	Fail(w, r, gateway.Refuse(MethodNotAllowed, "this address accepts %s", list))
}

func (rt route) match(path string) (map[string]string, bool) {
	var values map[string]string
	more := true
	for _, p := range rt.parts {
		if !more {
			return nil, false
		}
		var text string
		if p.rest {
			text, more = path, false
		} else {
			text, path, more = strings.Cut(path, "/")
		}
		if p.name == "" {
			if text != p.text {
				return nil, false
			}
			continue
		}
		value, err := url.PathUnescape(text)
		if err != nil || (value == "" && !p.rest) {
			return nil, false
		}
		if values == nil {
			values = make(map[string]string, 2)
		}
		values[p.name] = value
	}
	return values, !more
}
