package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"sftpgate/remote/hosts"
	"sftpgate/remote/sshpool"
	"sftpgate/remote/staging"
)

type checkCmd struct {
	IDs     []string      `arg:"" optional:"" name:"id" help:"Only these hosts. Default: all."`
	Hosts   string        `default:"hosts.yaml" placeholder:"FILE" help:"Hosts file. Default hosts.yaml."`
	Timeout time.Duration `default:"60s" placeholder:"TIME" help:"Give up on a host after this time. Default 60s."`
}

// atOnce is how many hosts are checked at the same time.
const atOnce = 32

// Run checks the hosts and prints a report on each, in the order of the file.
func (c checkCmd) Run(ctx context.Context, to console) error {
	set, err := loadHosts(c.Hosts)
	if err != nil {
		return err
	}
	wanted, err := choose(set, c.IDs)
	if err != nil {
		return err
	}
	log := slog.New(slog.DiscardHandler) // what happens stands in the report
	links, at := reach(set, sshpool.Options{Log: log})
	defer links.Close()

	reports := make([]chan report, len(wanted))
	slots := make(chan struct{}, atOnce)
	for i, h := range wanted {
		reports[i] = make(chan report, 1)
		go func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			reports[i] <- c.examine(ctx, at.byID[h.ID])
		}()
	}
	broken := 0
	for _, r := range reports {
		done := <-r
		done.print(to.out)
		if done.broken() {
			broken++
		}
	}
	return conclude(to, len(wanted), broken)
}

func conclude(to console, all, broken int) error {
	if broken == 0 {
		fmt.Fprintf(to.out, "%s passed.\n", counted(all))
		return nil
	}
	fmt.Fprintf(to.out, "%d of %s failed.\n", broken, counted(all))
	return errFailed
}

func counted(n int) string {
	if n == 1 {
		return "1 host"
	}
	return fmt.Sprintf("%d hosts", n)
}

// choose picks the hosts named by ids, all when there are none.
func choose(set *hosts.Set, ids []string) ([]hosts.Host, error) {
	if len(ids) == 0 {
		return set.All(), nil
	}
	var chosen []hosts.Host
	for _, id := range ids {
		h, ok := set.Get(id)
		if !ok {
			var known []string
			for _, h := range set.All() {
				known = append(known, h.ID)
			}
			if behind := set.Behind(id); len(behind) > 0 {
				return nil, misused("host %q has no roots and is only a jump host: it is checked with the hosts behind it (%s)", id, strings.Join(behind, ", "))
			}
			return nil, misused("unknown host %q: choose one of %s", id, strings.Join(known, ", "))
		}
		if !slices.ContainsFunc(chosen, func(h hosts.Host) bool { return h.ID == id }) {
			chosen = append(chosen, h)
		}
	}
	return chosen, nil
}

// examine tries out one host: first whether it can be reached at all, then each root.
func (c checkCmd) examine(ctx context.Context, h *staging.Host) report {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	cfg := h.Config()
	r := report{host: cfg}
	if _, err := h.Pool().Ping(ctx); err != nil {
		r.fail("connection", "%s", unreached(err, c.Timeout))
		return r
	}
	trip, err := h.Pool().Ping(ctx) // the first one was on the way while others dialled
	if err != nil {
		r.fail("connection", "%s", unreached(err, c.Timeout))
		return r
	}
	r.good("connection", "host key and login accepted, SFTP answers in %s", milliseconds(trip))
	for _, root := range cfg.Roots {
		examineRoot(ctx, h, root, &r)
	}
	return r
}

// unreached says what is wrong with a host, without its id, which stands above.
func unreached(err error, patience time.Duration) string {
	var l *sshpool.Error
	if errors.As(err, &l) {
		return l.Err.Error()
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Sprintf("it did not answer within %v", patience)
	}
	return err.Error()
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
}
