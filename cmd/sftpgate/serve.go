package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"sftpgate/gateway/page"
	"sftpgate/gateway/web"
	"sftpgate/remote/hosts"
)

type serveCmd struct {
	Listen string `default:"${listen}" placeholder:"ADDR" help:"Listen on this address (host:port). Default ${listen}."`
	Hosts  string `default:"hosts.yaml" placeholder:"FILE" help:"Hosts file. Default hosts.yaml."`
	Redis  string `placeholder:"URL" help:"Share claims with other gateways in this Redis: redis://, redis+sentinel:// or redis+cluster:// (rediss for TLS), or unix://. Without it, a single gateway keeps them in --state."`
	State  string `placeholder:"DIR" help:"Directory for claims without --redis. Default: systemd's StateDirectory=, else sftpgate in the user's state directory."`

	Auth         string   `enum:"none,header,jwt" default:"none" placeholder:"MODE" help:"Authentication: none (loopback only), header (trusted proxy) or jwt (tickets signed by a panel). Default none."`
	UserHeader   string   `default:"X-User" placeholder:"NAME" help:"Header in which the proxy names the user. Default X-User."`
	TrustedProxy []string `placeholder:"CIDR" help:"Addresses whose headers are trusted: the user (--auth header), X-Forwarded-For, -Host, -Proto and -Prefix."`
	Admin        []string `placeholder:"USER" help:"Users who may see and end other users' uploads."`
	AllowOrigin  []string `placeholder:"ORIGIN" help:"Origins whose pages may call the API, such as https://panel.example; * for all."`
	AllowHost    []string `placeholder:"NAME" help:"Host names that requests may use, besides IP addresses and localhost. Default: no others with --auth none on loopback, else any."`

	BasePath string `placeholder:"PATH" help:"Serve everything below this path, such as /gate, so that a panel can mount the gateway under its own name. If your proxy strips the path, omit this and have the proxy send X-Forwarded-Prefix."`

	ticketFlags

	ExpireAfter time.Duration `default:"7d" placeholder:"TIME" help:"Delete unfinished uploads after this much inactivity. Default 7d."`
	FinishWait  time.Duration `default:"50s" placeholder:"TIME" help:"Hold the answer to an uploader's last chunk for up to this long, until the file is published; many proxies give up at 60s. Default 50s."`
	IdleTimeout time.Duration `default:"60s" placeholder:"TIME" help:"Cut off a request or answer that stalls for this long. Default 60s."`
	Drain       time.Duration `default:"30s" placeholder:"TIME" help:"Let running requests finish for this long after SIGTERM. Default 30s."`

	limitFlags

	MetricsListen string `placeholder:"ADDR" help:"Serve /metrics alone here (host:port), without authentication. On the API's address it is for administrators, with --auth none for everybody."`
	Pprof         string `placeholder:"ADDR" help:"Serve profiles for \"go tool pprof\" here (host:port, loopback only)."`

	TLSCert        string `name:"tls-cert" placeholder:"FILE" help:"Serve HTTPS with this certificate (PEM, with its chain). It is reloaded when it changes."`
	TLSKey         string `name:"tls-key" placeholder:"FILE" help:"The certificate's private key."`
	InsecureListen bool   `help:"Allow addresses other than loopback, although --auth none lets everybody in."`

	logFlags

	Check bool `env:"-" help:"Check the flags and the files that they name, then exit without listening or connecting."`
}

// Run serves until ctx ends.
func (c serveCmd) Run(ctx context.Context, to console) error {
	log := c.logger(to.err)
	if c.Check {
		return c.check(ctx, to, log)
	}
	asked, unasked := hangups()
	defer unasked()
	s, err := c.settings(ctx, log)
	if err != nil {
		return err
	}
	open := c.Auth == "none"
	l, err := listen(ctx, c.Listen, open, c.InsecureListen)
	if err != nil {
		return err
	}
	s.names = nameGuard(l, open, c.AllowHost)
	g, err := c.assemble(ctx, &s)
	if err != nil {
		_ = l.Close()
		return err
	}
	warnOfOpenKeys(s.hosts, log)
	defer g.follow(ctx, c.Hosts, s.hosts, asked)()
	return g.serve(ctx, l, c.Drain, func() {
		if open && !loopback(l) {
			log.Warn("anybody who reaches this address can write to every host", "address", l.Addr().String(), "auth", c.Auth)
		}
		if s.scrapes != nil {
			log.Info("serving metrics", "address", s.scrapes.Addr().String())
		}
		if s.profiles != nil {
			log.Info("serving profiles", "address", s.profiles.Addr().String())
		}
		go warnOfHostsAway(ctx, s.hosts, log)
		where := []any{"address", l.Addr().String()}
		if s.base != "" {
			where = append(where, "base_path", s.base)
		}
		log.Info("listening", append(where, "tls", s.certificate != nil, "auth", c.Auth,
			"hosts", len(s.hosts.All()), "shared", c.Redis != "", "registry", g.store.Where(), "version", version())...)
	})
}

// assemble makes the gateway with the addresses beside the API's; none is left
// open without it.
func (c serveCmd) assemble(ctx context.Context, s *settings) (g *gate, err error) {
	if s.scrapes, err = listenAside(ctx, "metrics-listen", c.MetricsListen); err != nil {
		return nil, err
	}
	if s.profiles, err = listenForProfiles(ctx, c.Pprof); err == nil {
		g, err = assemble(ctx, *s)
	}
	for _, l := range []net.Listener{s.scrapes, s.profiles} {
		if err != nil && l != nil {
			_ = l.Close()
		}
	}
	return g, err
}

// settings checks the flags and reads the files that they name.
func (c serveCmd) settings(ctx context.Context, log *slog.Logger) (settings, error) {
	s := settings{redis: c.Redis, origins: c.AllowOrigin, idle: c.IdleTimeout, minBandwidth: c.minBandwidth(), expireAfter: c.ExpireAfter, finishWait: c.FinishWait, userQuota: int64(c.UserQuota), log: log,
		openMetrics: c.Auth == "none", info: page.Info{Version: version(), Auth: c.Auth}}
	for name, d := range map[string]time.Duration{"expire-after": c.ExpireAfter, "finish-wait": c.FinishWait, "idle-timeout": c.IdleTimeout} {
		if d <= 0 {
			return s, misused("--%s must be positive, not %v", name, d)
		}
	}
	if c.Drain < 0 {
		return s, misused("--drain must not be negative")
	}
	var err error
	if s.limits, err = c.limits(); err != nil {
		return s, err
	}
	if s.proxies, err = web.ParseProxies(c.TrustedProxy); err != nil {
		return s, misused("--trusted-proxy: %v", err)
	}
	if s.base, err = web.ParseBasePath(c.BasePath); err != nil {
		return s, misused("--base-path: %v", err)
	}
	if s.auth, err = c.authenticator(ctx, s.proxies, log); err != nil {
		return s, err
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return s, misused("--tls-cert and --tls-key belong together: give both or neither")
	}
	if c.TLSCert != "" {
		if s.certificate, err = loadCertificate(c.TLSCert, c.TLSKey, log); err != nil {
			return s, err
		}
	}
	if s.hosts, err = loadHosts(c.Hosts); err != nil {
		return s, err
	}
	if c.Redis == "" {
		s.state, err = stateDir(c.State)
	}
	return s, err
}

func (c serveCmd) authenticator(ctx context.Context, proxies web.Proxies, log *slog.Logger) (web.Authenticator, error) {
	switch {
	case c.Auth == "jwt":
		return c.ticketFlags.authenticator(ctx, c.Admin, log)
	case c.ticketFlags.set():
		return nil, misused("--auth %s takes no tickets: use --auth jwt, or remove the flags that begin with --jwt", c.Auth)
	case c.Auth == "none":
		return openAuth(c.Admin), nil
	case len(proxies) == 0:
		return nil, misused("--auth header needs --trusted-proxy: the address of the proxy or panel in front, as in --trusted-proxy 127.0.0.1")
	}
	return proxyAuth(c.UserHeader, proxies, c.Admin), nil
}

// nameGuard are the names by which the gateway may be addressed; nil is any. A
// gateway that asks nobody who he is and relies on being local must not be
// reached through a web site whose name is made to resolve to this machine.
func nameGuard(l net.Listener, open bool, allowed []string) []string {
	if open && loopback(l) {
		return append([]string{}, allowed...)
	}
	return allowed
}

// loadHosts reads a hosts file that has at least one host to send files to.
func loadHosts(path string) (*hosts.Set, error) {
	set, err := hosts.Load(path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%w: name it with --hosts, or start from the example that comes with sftpgate", err)
		}
		return nil, err
	}
	return set, nil
}

// stateDir is dir, or where the state of a service or a user belongs.
func stateDir(dir string) (string, error) {
	if dir != "" {
		return dir, nil
	}
	if given := os.Getenv("STATE_DIRECTORY"); given != "" { // systemd.exec(5): a list with colons
		return filepath.SplitList(given)[0], nil
	}
	if base := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(base) {
		return filepath.Join(base, "sftpgate"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", misused("there is no directory for the state (%v): set --state or --redis", err)
	}
	return filepath.Join(home, ".local", "state", "sftpgate"), nil
}
