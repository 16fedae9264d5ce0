package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"time"

	"sftpgate/remote/hosts"
)

// How many hosts are asked at the start whether they are there, and how long they have.
const (
	askedAtStart   = 16
	answersAtStart = 5 * time.Second
)

// warnOfHostsAway says so where none of the first hosts takes a connection: a hosts
// file of another place, or the example as it came. Nobody is logged in for that.
func warnOfHostsAway(ctx context.Context, set *hosts.Set, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(ctx, answersAtStart)
	defer cancel()
	asked := set.All()
	asked = asked[:min(askedAtStart, len(asked))]
	failures := make(chan error, len(asked))
	for _, h := range asked {
		if way := set.Way(h); len(way) > 0 {
			h = way[len(way)-1] // the one that is reached from here
		}
		go func() { failures <- connects(ctx, h) }()
	}
	var last error
	for range asked {
		if last = <-failures; last == nil {
			return
		}
	}
	if !errors.Is(context.Cause(ctx), context.Canceled) {
		log.Warn("none of the hosts tried can be reached: is this the right hosts file for this network?",
			"asked", len(asked), "hosts", len(set.All()), "error", last)
	}
}

// connects reports why h takes no connection.
func connects(ctx context.Context, h hosts.Host) error {
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", h.Addr())
	if err == nil {
		_ = c.Close()
	}
	return err
}
