package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"sftpgate/gateway/page"
	"sftpgate/gateway/web"
)

type demoCmd struct {
	Listen         string        `placeholder:"ADDR" help:"Listen on this address (host:port). Default ${listen}, or a free port if that is in use."`
	Dir            string        `placeholder:"DIR" help:"Keep files and state here and reuse them next time. Default: a temporary directory, removed on exit."`
	Drain          time.Duration `default:"5s" placeholder:"TIME" help:"Let running requests finish for this long after Ctrl-C. Default 5s."`
	BasePath       string        `placeholder:"PATH" help:"Serve everything below this path, such as /gate."`
	InsecureListen bool          `help:"Allow addresses other than loopback, although anybody can upload."`

	logFlags
}

// Run shows the gateway at work until ctx ends.
func (c demoCmd) Run(ctx context.Context, to console) error {
	log := c.logger(to.err)
	base, err := web.ParseBasePath(c.BasePath)
	if err != nil {
		return misused("--base-path: %v", err)
	}
	dir, done, err := demoDir(c.Dir)
	if err != nil {
		return err
	}
	defer done()
	files := filepath.Join(dir, "files")
	if err := os.MkdirAll(files, 0o750); err != nil {
		return fmt.Errorf("cannot create the demo's directory: %w", err)
	}
	set, host, err := startDemoHost(files)
	if err != nil {
		return err
	}
	defer host.Close()
	l, moved, err := c.listen(ctx)
	if err != nil {
		return err
	}
	g, err := assemble(ctx, settings{hosts: set, state: filepath.Join(dir, "state"), base: base, log: log,
		auth: openAuth(nil), finishWait: finishWait, openMetrics: true, names: nameGuard(l, true, nil), info: page.Info{Version: version(), Auth: "none", Demo: c.Dir == ""}})
	if err != nil {
		_ = l.Close()
		return err
	}
	return g.serve(ctx, l, c.Drain, func() {
		if moved {
			fmt.Fprintf(to.out, "%s is in use; the demo listens on a free port.\n", defaultListen)
		}
		url := "http://" + l.Addr().String() + base
		introduce(ctx, to.out, url)
		fmt.Fprintf(to.out, "Open %s/ or paste the lines above. Uploads go to %s%s. Press Ctrl-C to stop.\n",
			url, files, map[bool]string{true: ", removed on exit"}[c.Dir == ""])
	})
}

// listen opens the address that was asked for. Where none was, a taken port is no obstacle.
func (c demoCmd) listen(ctx context.Context) (l net.Listener, moved bool, err error) {
	if c.Listen != "" {
		l, err = listen(ctx, c.Listen, true, c.InsecureListen)
		return l, false, err
	}
	l, err = listen(ctx, defaultListen, true, false)
	if errors.Is(err, syscall.EADDRINUSE) {
		l, err = listen(ctx, "127.0.0.1:0", true, false)
		return l, true, err
	}
	return l, false, err
}

// demoDir gives a directory to work in, and what is to be done with it at the end.
func demoDir(kept string) (dir string, done func(), err error) {
	if kept != "" {
		dir, err = filepath.Abs(kept)
		return dir, func() {}, err
	}
	if dir, err = os.MkdirTemp("", "sftpgate-demo-"); err != nil {
		return "", nil, fmt.Errorf("cannot create the demo's directory: %w", err)
	}
	return dir, func() { _ = os.RemoveAll(dir) }, nil
}

// introduce prints what the gateway at url itself says: what it is, what runs
// here, and lines for curl that work as they stand.
func introduce(ctx context.Context, to io.Writer, url string) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	_ = fetch(ctx, io.Discard, url+"/v1/hosts/demo") // so that it is known to be up
	if err := fetch(ctx, to, url+"/"); err != nil {
		fmt.Fprintf(to, "The gateway does not answer at %s/: %v\n", url, err)
	}
	fmt.Fprintln(to)
}

// fetch goes past proxies that the environment may name: the address is our own.
func fetch(ctx context.Context, to io.Writer, url string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, err = io.Copy(to, io.LimitReader(res.Body, 1<<20))
	return err
}
