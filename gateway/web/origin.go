package web

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"sftpgate/gateway"
)

// origins are the web sites whose pages may call.
type origins struct {
	any   bool
	named map[string]bool
}

func parseOrigins(texts []string) (origins, error) {
	o := origins{named: map[string]bool{}}
	for _, t := range texts {
		switch t {
		case "*":
			o.any = true
			continue
		case "null":
			o.named[t] = true
			continue
		}
		u, err := url.Parse(t)
		if err != nil || u.Scheme == "" || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
			return o, fmt.Errorf(`%q is not an origin; write scheme://host or scheme://host:port, "null" for pages opened from a file, or "*"`, t)
		}
		o.named[originText(u)] = true
	}
	return o, nil
}

// originText writes an origin as browsers do: lower case, no default port.
func originText(u *url.URL) string {
	host := strings.ToLower(u.Host)
	switch scheme := strings.ToLower(u.Scheme); {
	case scheme == "https" && strings.HasSuffix(host, ":443"):
		host = strings.TrimSuffix(host, ":443")
	case scheme == "http" && strings.HasSuffix(host, ":80"):
		host = strings.TrimSuffix(host, ":80")
	}
	return strings.ToLower(u.Scheme) + "://" + host
}

const (
	// Every method that the API and the dialects use.
	corsMethods = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
	// What scripts of allowed origins may read beside the safe-listed headers.
	corsExposed = "Allow, Content-Digest, ETag, Location, Retry-After, " +
		"Tus-Checksum-Algorithm, Tus-Extension, Tus-Max-Size, Tus-Resumable, Tus-Version, " +
		"Upload-Concat, Upload-Defer-Length, Upload-Expires, Upload-Length, Upload-Metadata, Upload-Offset"
	// Browsers cap it at 2 h (Chromium) and 24 h (Firefox).
	corsMaxAge = "7200"
)

// admit refuses requests that a page of a web site sent which may not, and
// answers preflights (then done is true). Requests from outside a browser carry
// neither Origin nor Sec-Fetch-Site and pass.
func (f *Front) admit(w http.ResponseWriter, r *http.Request) (done bool, err error) {
	if err := f.checkName(r); err != nil {
		return false, err
	}
	h := w.Header()
	h.Add("Vary", "Origin")
	sent := r.Header.Values("Origin")
	site := r.Header.Get("Sec-Fetch-Site")
	if len(sent) == 0 {
		// Unsafe methods always carry Origin in today's browsers. Where one is
		// stripped on the way, the browser's own word about the site still counts.
		if !safeMethod(r.Method) && (site == "cross-site" || site == "same-site") {
			return false, refuseOrigin("other sites")
		}
		return false, nil
	}
	origin := sent[0]
	if len(sent) > 1 {
		return false, refuseOrigin("multiple origins")
	}
	if f.sameOrigin(r, origin, site) {
		return false, nil
	}
	named := f.origins.named[strings.ToLower(origin)]
	if !named && !f.origins.any {
		return false, refuseOrigin(fmt.Sprintf("%q", origin))
	}
	if named {
		h.Set("Access-Control-Allow-Origin", origin)
		if origin != "null" { // every sandboxed page has the origin "null": no cookies for it
			h.Set("Access-Control-Allow-Credentials", "true")
		}
	} else {
		h.Set("Access-Control-Allow-Origin", "*")
	}
	// An allowed origin may also show what it got.
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("Access-Control-Expose-Headers", corsExposed)
	if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
		return false, nil
	}
	h.Add("Vary", "Access-Control-Request-Headers")
	h.Set("Access-Control-Allow-Methods", corsMethods)
	if ask := r.Header.Get("Access-Control-Request-Headers"); ask != "" {
		h.Set("Access-Control-Allow-Headers", ask)
	}
	h.Set("Access-Control-Max-Age", corsMaxAge)
	w.WriteHeader(http.StatusNoContent)
	return true, nil
}

// sameOrigin reports whether the page that sent r is the gateway's own. Where
// the browser does not say so itself (plain HTTP), the hosts are compared; the
// scheme cannot be, because a proxy may have taken the TLS off.
func (f *Front) sameOrigin(r *http.Request, origin, site string) bool {
	switch site {
	case "same-origin", "none":
		return true
	case "":
		u, err := url.Parse(origin)
		return err == nil && u.Host != "" && strings.EqualFold(u.Host, f.proxies.host(r))
	}
	return false
}

func (f *Front) checkName(r *http.Request) error {
	if f.names == nil {
		return nil
	}
	name := hostName(r.Host)
	if name == "localhost" || f.names[name] {
		return nil
	}
	if _, err := netip.ParseAddr(name); err == nil {
		return nil
	}
	return gateway.Refuse(gateway.Forbidden, "the host name %q is not allowed; use the gateway's IP address, or allow the name with --allow-host", name)
}

func refuseOrigin(who string) error {
	return gateway.Refuse(gateway.Forbidden, "requests from pages of %s are not allowed here; allow the origin with --allow-origin", who)
}

func safeMethod(m string) bool {
	return m == http.MethodGet || m == http.MethodHead || m == http.MethodOptions
}
