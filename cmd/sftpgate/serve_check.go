package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"

	"sftpgate/gateway/registry"
	"sftpgate/gateway/web"
)

// check says whether serve would start as it is configured. It connects to nothing
// and leaves nothing behind, so that it can be run beside a gateway at work.
func (c serveCmd) check(ctx context.Context, to console, log *slog.Logger) error {
	if strings.Contains(c.JWTJWKS, "://") { // the keys are fetched at the start
		c.Auth, c.ticketFlags = "none", ticketFlags{}
	}
	s, err := c.settings(ctx, log)
	if err != nil {
		return err
	}
	for flag, address := range map[string]string{"--listen": c.Listen, "--metrics-listen": c.MetricsListen, "--pprof": c.Pprof} {
		if _, _, err := net.SplitHostPort(address); address != "" && err != nil {
			return misused("%s: %v: give HOST:PORT", flag, err)
		}
	}
	if _, err := web.New(web.Options{Auth: s.auth, Origins: s.origins, BasePath: s.base}); err != nil {
		return misused("--allow-origin: %v", err)
	}
	if c.Redis != "" {
		if err := registry.CheckURL(c.Redis); err != nil {
			return misused("--redis: %v", err)
		}
	}
	warnOfOpenKeys(s.hosts, log)
	_, err = fmt.Fprintf(to.out, "The configuration is valid: %s in %s. To see whether they can be reached: sftpgate hosts check --hosts %s\n",
		counted(len(s.hosts.All())), c.Hosts, c.Hosts)
	return err
}
