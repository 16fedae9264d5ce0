package web

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// Proxies are the addresses whose word counts: about the user (HeaderAuth), the
// client's address, and the name, scheme and prefix under which clients see the gateway.
type Proxies []netip.Prefix

// ParseProxies reads CIDR prefixes; a single address stands for itself.
func ParseProxies(texts []string) (Proxies, error) {
	var p Proxies
	for _, t := range texts {
		prefix, err := netip.ParsePrefix(t)
		if addr, aerr := netip.ParseAddr(t); err != nil && aerr == nil {
			prefix, err = addr.Prefix(addr.BitLen())
		}
		if err != nil {
			return nil, fmt.Errorf("trusted proxy %q is neither an address nor a prefix like 10.0.0.0/8: %w", t, err)
		}
		if a := prefix.Addr(); a.Is4In6() && prefix.Bits() >= 96 {
			prefix = netip.PrefixFrom(a.Unmap(), prefix.Bits()-96)
		}
		p = append(p, prefix.Masked())
	}
	return p, nil
}

func (p Proxies) contains(a netip.Addr) bool {
	for _, prefix := range p {
		if prefix.Contains(a) {
			return true
		}
	}
	return false
}

// sent reports whether r came from one of the proxies.
func (p Proxies) sent(r *http.Request) bool {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && p.contains(ap.Addr().Unmap().WithZone(""))
}

// client is the address r came from; behind proxies, the nearest one in
// X-Forwarded-For that is not itself a proxy. It is for the log.
func (p Proxies) client(r *http.Request) string {
	remote, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	if !p.sent(r) {
		return remote
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		a, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		remote = a.String()
		if !p.contains(a.Unmap()) {
			break
		}
	}
	return remote
}

// host is the host, with a port where there is one, by which the client addressed the gateway.
func (p Proxies) host(r *http.Request) string {
	if p.sent(r) {
		if h := first(r.Header.Get("X-Forwarded-Host")); h != "" {
			return h
		}
	}
	return r.Host
}

// prefix is the path that proxies stripped from r, "" for none. Each proxy appends
// its own behind a comma, so the outermost comes first. The whole header is ignored
// if any part of it is not a plain path.
func (p Proxies) prefix(r *http.Request) string {
	values := r.Header.Values("X-Forwarded-Prefix")
	if len(values) == 0 || !p.sent(r) {
		return ""
	}
	var all string
	for text := range strings.SplitSeq(strings.Join(values, ","), ",") {
		one, err := ParseBasePath(strings.TrimSpace(text))
		if err != nil || len(all)+len(one) > maxPrefix {
			return ""
		}
		all += one
	}
	return all
}

// Forwarded reports whether a trusted proxy passed r on for somebody else.
func Forwarded(r *http.Request) bool {
	x := exchangeOf(r)
	return x != nil && r.Header.Get("X-Forwarded-For") != "" && x.front.proxies.sent(r)
}

// BaseURL is scheme://host[:port] as the client sees the gateway, with the
// [Prefix] behind it, safe to be shown: where the client gave a host that cannot
// be one, it is the address that the request arrived at.
func BaseURL(r *http.Request) string {
	var p Proxies
	if x := exchangeOf(r); x != nil {
		p = x.front.proxies
	}
	scheme := "http"
	if r.TLS != nil || (p.sent(r) && first(r.Header.Get("X-Forwarded-Proto")) == "https") {
		scheme = "https"
	}
	host := p.host(r)
	if !plainHost(host) {
		host = "localhost"
		if a, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
			host = a.String()
		}
	}
	return scheme + "://" + host + Prefix(r)
}

func first(list string) string {
	v, _, _ := strings.Cut(list, ",")
	return strings.TrimSpace(v)
}

// plainHost reports whether h holds nothing but what host names, addresses and
// ports are made of, so that it means nothing special to a shell or a page.
func plainHost(h string) bool {
	if h == "" || len(h) > 255 || h[0] == '-' {
		return false
	}
	return !strings.ContainsFunc(h, func(c rune) bool {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
			return false
		}
		return !strings.ContainsRune(".-_:[]", c)
	})
}

// hostName is the name in host[:port], in lower case and without a final dot.
func hostName(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
}
