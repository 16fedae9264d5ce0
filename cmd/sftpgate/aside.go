package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"strings"
	"syscall"

	"sftpgate/gateway/metrics"
	"sftpgate/gateway/web"
)

// aside answers at an address of its own, apart from the API's, to those who
// operate the gateway.
type aside struct {
	server   *http.Server
	listener net.Listener
}

// listenAside opens the address that flag names; nil for "".
func listenAside(ctx context.Context, flag, addr string) (net.Listener, error) {
	if addr == "" {
		return nil, nil
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s is in use by another process: choose another address with --%s: %w", addr, flag, err)
	case err != nil:
		return nil, misused("--%s %s: %v", flag, addr, err)
	}
	return l, nil
}

// listenForProfiles opens an address that shows what the process is made of, and
// so is for this machine alone.
func listenForProfiles(ctx context.Context, addr string) (net.Listener, error) {
	l, err := listenAside(ctx, "pprof", addr)
	if l != nil && !loopback(l) {
		_ = l.Close()
		return nil, misused("--pprof %s is reachable from other machines, and profiles expose its memory: choose a loopback address such as 127.0.0.1:6060", addr)
	}
	return l, err
}

// asides are the servers of the addresses that were opened.
func asides(s settings, m *metrics.Metrics) ([]aside, error) {
	var all []aside
	if s.scrapes != nil {
		// GET /metrics, for whoever reaches it.
		front, err := web.New(web.Options{Auth: s.auth, Proxies: s.proxies, Idle: s.idle, Log: s.log})
		if err != nil {
			return nil, err
		}
		mux := web.NewMux()
		m.Routes(mux, true)
		all = append(all, aside{web.NewServer(front.Handler(mux), s.log).Server, s.scrapes})
	}
	if s.profiles != nil {
		all = append(all, aside{web.NewServer(noPages(profiles()), s.log).Server, s.profiles})
	}
	return all, nil
}

// profiles answers as "go tool pprof" asks.
func profiles() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux
}

// noPages answers tools, and no page of a web site: neither one that addresses
// this machine by a name of its own, nor one that sends its visitors here.
func noPages(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := r.Host
		if host, _, err := net.SplitHostPort(name); err == nil {
			name = host
		}
		local := name == "localhost" || net.ParseIP(strings.Trim(name, "[]")) != nil
		site := r.Header.Get("Sec-Fetch-Site")
		if !local || r.Header.Get("Origin") != "" || site != "" && site != "none" && site != "same-origin" {
			http.Error(w, "profiles are for local tools only", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}
