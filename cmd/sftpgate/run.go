package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"time"

	"sftpgate/gateway"
	"sftpgate/gateway/api"
	"sftpgate/gateway/dialect"
	"sftpgate/gateway/dialect/contentrange"
	"sftpgate/gateway/dialect/dropzone"
	"sftpgate/gateway/dialect/filepond"
	"sftpgate/gateway/dialect/form"
	"sftpgate/gateway/dialect/panel"
	"sftpgate/gateway/dialect/plupload"
	"sftpgate/gateway/dialect/resumable"
	"sftpgate/gateway/dialect/tus"
	"sftpgate/gateway/dialect/webuploader"
	"sftpgate/gateway/limit"
	"sftpgate/gateway/metrics"
	"sftpgate/gateway/page"
	"sftpgate/gateway/registry"
	"sftpgate/gateway/web"
	"sftpgate/remote/demohost"
	"sftpgate/remote/hosts"
	"sftpgate/remote/merge/engine"
	"sftpgate/remote/sshpool"
)

// How the parts hang together. What a gateway is made of is chosen in this file
// and nowhere else; an arrow reads "uses".
//
//	net.Listener ──▶ web.Limit ──▶ http.Server ──▶ web.Front      who asks, from which site, deadlines, log
//	                                                   │
//	                                                web.Mux
//	                                      ┌────────────┼─────────────┐
//	                               api.Routes, dialects  metrics.Routes  page.Routes    metrics.Metrics is told by
//	                                      └────────────┬─────────────┘           Front, Service, Pools, Claims
//	                                            gateway.Service
//	        ┌─────────────────────────┬────────────────┴───────────┐
//	  Claims, Leases, Index         Hosts                    engine.Set       which engine serves where
//	        │                         │                            │
//	registry.Redis (--redis)     staging.Host   one per host ◀───────┘
//	registry.Bolt  (else)             │
//	                             sshpool.Pool    one per host ──▶ sshd
//	                                  │
//	                             sshpool.Pools ──▶ hosts.Set ◀── hosts.yaml (serve), followed by reloader
//	                                                          demohost.Host (demo)

// settings are what a gateway is made from; serve and demo fill them in.
type settings struct {
	hosts *hosts.Set
	redis string // URL; "" is the embedded store
	state string // directory of the embedded store

	auth    web.Authenticator
	info    page.Info
	origins []string
	names   []string // nil: any
	proxies web.Proxies
	base    string // the path below which the API and the page are; "" for none
	idle    time.Duration
	// minBandwidth is web.Options.MinBandwidth.
	minBandwidth int64

	expireAfter time.Duration
	finishWait  time.Duration
	limits      limit.Limits
	userQuota   int64        // gateway.Config.UserQuota
	certificate *certificate // nil: plain HTTP
	openMetrics bool         // /metrics is for everybody, and not for administrators alone
	scrapes     net.Listener // serves /metrics alone, to everybody; nil: nothing does
	profiles    net.Listener // serves profiles of this process; nil: nothing does
	log         *slog.Logger
}

// finishWait is how long the answer to an uploader's last chunk waits for the
// publication, unless --finish-wait says otherwise: proxies give up after 60 s.
const finishWait = 50 * time.Second

// store is a registry that can be asked for its health and closed.
type store interface {
	gateway.Claims
	gateway.Leases
	gateway.Index
	Ping(ctx context.Context) error
	// Where says what holds it, for the log.
	Where() string
	Answers() bool
	Close() error
}

// gate is a gateway ready to serve.
type gate struct {
	mux     *web.Mux
	server  *web.Server
	service *gateway.Service
	hosts   *staged
	links   *sshpool.Pools
	store   store
	asides  []aside
	numbers *metrics.Metrics
	log     *slog.Logger
}

// assemble makes a gateway. Nothing is dialled yet but the registry.
func assemble(ctx context.Context, s settings) (*gate, error) {
	numbers := metrics.New(version())
	front, err := web.New(web.Options{Auth: s.auth, Origins: s.origins, Names: s.names,
		Proxies: s.proxies, BasePath: s.base, Idle: s.idle, MinBandwidth: s.minBandwidth, Log: s.log, Observe: numbers.Observe})
	if err != nil {
		return nil, misused("--allow-origin: %v", err)
	}
	beside, err := asides(s, numbers)
	if err != nil {
		return nil, err
	}
	kept, err := openStore(ctx, s)
	if err != nil {
		return nil, err
	}
	links, at := reach(s.hosts, sshpool.Options{Log: s.log, Dialed: numbers.Dialed})
	service := gateway.New(gateway.Config{
		Hosts:  at,
		Claims: numbers.Claims(kept), Leases: kept, Index: kept, Ready: kept.Ping, Shared: s.redis != "", Meter: numbers,
		Engines: engine.NewSet(), Log: s.log, ExpireAfter: s.expireAfter, Limits: s.limits, UserQuota: s.userQuota,
	})
	mux := web.NewMux()
	api.Routes(mux, service)
	dialects(mux, dialect.Gate{Service: service, Wait: s.finishWait})
	s.info.Origins = s.origins
	page.Routes(mux, service, s.info)
	numbers.Watch(links.Stats, service.Stats)
	numbers.WatchRegistry(kept.Answers)
	numbers.Routes(mux, s.openMetrics)
	server := web.NewServer(front.Handler(mux), s.log)
	if s.certificate != nil {
		server.TLSConfig = &tls.Config{GetCertificate: s.certificate.get, MinVersion: tls.VersionTLS12}
	}
	return &gate{mux: mux, server: server, service: service, hosts: at, links: links, store: kept, asides: beside, numbers: numbers, log: s.log}, nil
}

// dialects adds the wire protocols of the uploaders that people already use.
func dialects(m *web.Mux, g dialect.Gate) {
	resumable.Routes(m, g)
	tus.Routes(m, g)
	dropzone.Routes(m, g)
	filepond.Routes(m, g)
	webuploader.Routes(m, g)
	plupload.Routes(m, g)
	contentrange.Routes(m, g)
	form.Routes(m, g)
	panel.Routes(m, g)
}

func openStore(ctx context.Context, s settings) (store, error) {
	if s.redis != "" {
		r, err := registry.OpenRedis(ctx, s.redis, s.log)
		if err != nil {
			return nil, misused("--redis: %v", err)
		}
		return r, nil
	}
	b, err := registry.OpenBolt(filepath.Join(s.state, "registry.db"), s.log)
	if err != nil {
		return nil, fmt.Errorf("%w (choose another directory with --state, or use --redis)", err)
	}
	return b, nil
}

// reach gives the way to the hosts of set; nothing is dialled yet.
func reach(set *hosts.Set, o sshpool.Options) (*sshpool.Pools, *staged) {
	links := sshpool.New(set, o)
	return links, newStaged(links, set, o.Log)
}

// openAuth lets everybody in as who he says he is; proxyAuth believes a header of
// the proxies, ticketAuth what a panel has signed.
func openAuth(admins []string) web.Authenticator { return web.NoAuth(admins) }

func proxyAuth(header string, proxies web.Proxies, admins []string) web.Authenticator {
	return web.HeaderAuth(header, proxies, admins)
}

func ticketAuth(ctx context.Context, o web.JWTOptions) (web.Authenticator, error) {
	return web.JWTAuth(ctx, o)
}

// startDemoHost serves dir as the only host of a set.
func startDemoHost(dir string) (*hosts.Set, io.Closer, error) {
	host, err := demohost.Start(dir)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot start the demo's host: %w", err)
	}
	set, err := hosts.NewSet(host.Config())
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("the demo's host is not usable: %w", err), host.Close())
	}
	return set, host, nil
}

// serve answers on l until ctx ends, then stops in good order within drain.
// announce is called once the gateway answers.
func (g *gate) serve(ctx context.Context, l net.Listener, drain time.Duration, announce func()) error {
	failed := make(chan error, 1)
	go func() {
		if g.server.TLSConfig != nil {
			failed <- g.server.ServeTLS(bounded(l), "", "")
		} else {
			failed <- g.server.Serve(bounded(l))
		}
	}()
	for _, a := range g.asides {
		go func() { _ = a.server.Serve(bounded(a.listener)) }()
	}
	g.service.Tend()
	announce()
	select {
	case err := <-failed:
		g.stop(0)
		return fmt.Errorf("the HTTP server stopped unexpectedly: %w", err)
	case <-ctx.Done():
		g.stop(drain)
		return nil
	}
}

// stop takes no new work, lets running requests end within drain and closes
// everything. What is cut off then is resumed later, so that is no failure.
func (g *gate) stop(drain time.Duration) {
	began := time.Now()
	g.log.Info("stopping", "drain", drain)
	ctx, cancel := context.WithTimeout(context.Background(), drain)
	defer cancel()
	served := make(chan struct{})
	go func() {
		defer close(served)
		if err := g.service.Shutdown(ctx); err != nil {
			g.log.Warn("requests did not finish in time and were cut off; nothing acknowledged is lost", "drain", drain)
		}
	}()
	if err := g.server.Shutdown(ctx); err != nil {
		g.server.CutOff() // who still waits hears why
	}
	g.close(served)
	g.log.Info("stopped", "took", time.Since(began).Round(time.Millisecond))
}

// lastGrace is what requests that were cut off get to answer and merges to come to
// a checkpoint, before the connections under them are closed; and once more after that.
const lastGrace = 3 * time.Second

// close ends what is below the HTTP server once nothing uses it, or when that does
// not come to an end: a frozen host must not keep the process. The registry is the
// last: requests and merges write there to their very end.
func (g *gate) close(served <-chan struct{}) {
	g.await(served)
	_ = g.links.Close()
	g.await(served)
	_ = g.server.Close()
	for _, a := range g.asides { // late: who watches sees the gateway drain
		_ = a.server.Close()
	}
	if err := g.store.Close(); err != nil {
		g.log.Warn("could not close the registry", "error", err)
	}
}

// await waits for the requests and for what the service does beside them, for lastGrace.
func (g *gate) await(served <-chan struct{}) {
	ctx, cancel := context.WithTimeout(context.Background(), lastGrace)
	defer cancel()
	_ = g.server.Shutdown(ctx)
	select {
	case <-served:
	case <-ctx.Done():
	}
}
