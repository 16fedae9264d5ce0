package web

import (
	"context"
	"net/http"
	"net/netip"
	"regexp"
	"strings"
	"testing"
)

var shownURL = regexp.MustCompile(`^https?://[A-Za-z0-9._:\[\]][A-Za-z0-9._:\[\]-]{0,254}$`)

// FuzzForwarded sends any of the headers that proxies set, from a proxy and from
// elsewhere: only the proxy's word counts, the client is an address, and no
// address of the gateway that is shown holds anything but one.
func FuzzForwarded(f *testing.F) {
	f.Add("203.0.113.7", "panel.example", "https", "gate:8080")
	f.Add("spoofed, 203.0.113.7, 10.0.0.2", "a.example, b.example", "https, http", "[::1]:80")
	f.Add("::ffff:203.0.113.7%eth0", "$(id)", "javascript", "'\"<")
	proxies, err := ParseProxies([]string{"10.0.0.0/8", "::1"})
	if err != nil {
		f.Fatal(err)
	}
	front := &Front{proxies: proxies}
	f.Fuzz(func(t *testing.T, forwarded, host, proto, sent string) {
		r := &http.Request{Host: sent, Header: http.Header{"X-Forwarded-For": strings.Split(forwarded, "\n"),
			"X-Forwarded-Host": {host}, "X-Forwarded-Proto": {proto}}}
		r = r.WithContext(context.WithValue(t.Context(), exchangeKey{}, &exchange{front: front}))
		bare := r.Clone(r.Context())
		bare.Header = http.Header{}

		r.RemoteAddr, bare.RemoteAddr = "192.0.2.1:5", "192.0.2.1:5"
		if got := proxies.client(r); got != "192.0.2.1" {
			t.Fatalf("who is no proxy may say that it is %q", got)
		}
		if got, want := BaseURL(r), BaseURL(bare); got != want || !shownURL.MatchString(got) {
			t.Fatalf("who is no proxy may turn %q into %q", want, got)
		}

		r.RemoteAddr = "10.0.0.1:5"
		client, err := netip.ParseAddr(proxies.client(r))
		if err != nil {
			t.Fatalf("%q leads to %q", forwarded, proxies.client(r))
		}
		// A proxy is the client only where nothing before it can be believed.
		if hops := strings.Split(strings.ReplaceAll(forwarded, "\n", ","), ","); !proxies.contains(client.Unmap()) {
			for i := len(hops) - 1; ; i-- {
				hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
				if err != nil || !proxies.contains(hop.Unmap()) && hop != client {
					t.Fatalf("%q leads to %q, past %q", forwarded, client, hops[i])
				}
				if hop == client {
					break
				}
			}
		}
		if got := BaseURL(r); !shownURL.MatchString(got) {
			t.Fatalf("the gateway is shown as %q", got)
		}
	})
}

// FuzzOrigin: a page of another site gets nothing done unless its origin was
// allowed, and no other origin is told that it may read the answer.
func FuzzOrigin(f *testing.F) {
	f.Add("https://panel.example", "gate:8080", "", "POST", "")
	f.Add("HTTPS://PANEL.EXAMPLE", "gate", "cross-site", "OPTIONS", "PUT")
	f.Add("null", "gate", "same-site", "GET", "")
	f.Add("http://gate:8080@evil.example", "gate:8080", "", "DELETE", "")
	front, err := New(Options{Auth: NoAuth(nil), Origins: []string{"https://panel.example"}, Names: []string{"gate"}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, origin, host, site, method, ask string) {
		r := &http.Request{Method: method, Host: host, RemoteAddr: "192.0.2.1:5", Header: http.Header{"Origin": {origin}}}
		if site != "" {
			r.Header.Set("Sec-Fetch-Site", site)
		}
		if ask != "" {
			r.Header.Set("Access-Control-Request-Method", ask)
		}
		w := headers{}
		done, err := front.admit(w, r)
		named := strings.ToLower(origin) == "https://panel.example"
		if allowed := http.Header(w).Values("Access-Control-Allow-Origin"); len(allowed) > 0 && (!named || len(allowed) > 1 || allowed[0] != origin) {
			t.Fatalf("%q is told that %q may read", origin, allowed)
		}
		switch own := site == "same-origin" || site == "none"; {
		case done && (err != nil || !named || method != http.MethodOptions):
			t.Fatalf("%q: a preflight of %q was answered", origin, method)
		case err == nil && !named && !own && (site != "" || !strings.Contains(strings.ToLower(origin), strings.ToLower(host)) || host == ""):
			t.Fatalf("%q may call %q", origin, host)
		case err == nil && hostName(host) != "gate" && hostName(host) != "localhost":
			if _, err := netip.ParseAddr(hostName(host)); err != nil {
				t.Fatalf("the gateway goes by the name %q", host)
			}
		}
	})
}

// headers is an answer of which only the header is looked at.
type headers http.Header

func (h headers) Header() http.Header         { return http.Header(h) }
func (h headers) Write(b []byte) (int, error) { return len(b), nil }
func (h headers) WriteHeader(int)             {}
