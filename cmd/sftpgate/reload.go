package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"sftpgate/remote/hosts"
)

// The hosts file is looked at every so often, and by its content: a file that was
// renamed into place or a mounted config map may keep an old time. What is new
// must be the same after another moment, so that no half of it is taken.
const (
	hostsLookedAt = 2 * time.Second
	hostsSettle   = time.Second
)

// hangups are the wishes to read the hosts file anew. Until stop is called SIGHUP
// does not end the process.
func hangups() (asked <-chan os.Signal, stop func()) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGHUP)
	return c, func() { signal.Stop(c) }
}

// follow keeps the gateway's hosts as file has them until end is called or ctx ends.
func (g *gate) follow(ctx context.Context, file string, set *hosts.Set, asked <-chan os.Signal) (end func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	r := &reloader{file: file, set: set, apply: g.hosts.update, read: g.numbers.Reloaded, log: g.log}
	go func() {
		defer close(ended)
		r.run(ctx, asked)
	}()
	return func() {
		cancel()
		<-ended
	}
}

// reloader takes a changed hosts file over, and keeps the hosts that there are
// when it is broken.
type reloader struct {
	file  string
	set   *hosts.Set // applied
	apply func(*hosts.Set)
	read  func(ok bool) // is told how each reading ended
	log   *slog.Logger

	decided glance // on this, for good or ill
	broken  bool   // it was no good
}

// glance is what one look at the file has shown.
type glance struct {
	text hosts.Text
	err  error // why it cannot be read
}

func look(file string) glance {
	text, err := hosts.Read(file)
	return glance{text, err}
}

func (g glance) same(o glance) bool {
	if g.err != nil || o.err != nil {
		return g.err != nil && o.err != nil && g.err.Error() == o.err.Error()
	}
	return g.text.Same(o.text)
}

func (r *reloader) run(ctx context.Context, asked <-chan os.Signal) {
	var fresh *glance // seen once
	wait := hostsLookedAt
	for {
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-asked: // who asks has finished writing
			timer.Stop()
			r.decide(look(r.file), true)
			fresh = nil
		case <-timer.C:
			switch now := look(r.file); {
			case now.same(r.decided):
				fresh = nil
			case fresh != nil && now.same(*fresh):
				r.decide(now, false)
				fresh = nil
			default:
				fresh = &now
			}
		}
		if wait = hostsLookedAt; fresh != nil {
			wait = hostsSettle
		}
	}
}

// decide takes what was seen over, or says why not. What was decided on by itself
// is not spoken of again; asked says that somebody wants to hear.
func (r *reloader) decide(now glance, asked bool) {
	r.decided = now
	set, err := now.parse()
	r.read(err == nil)
	if err != nil {
		r.broken = true
		r.log.Error("cannot use the hosts file; keeping the previous hosts until it is fixed", "file", r.file, "error", err)
		return
	}
	changes := r.set.Changes(set)
	r.set = set
	warnOfOpenKeys(set, r.log)
	r.apply(set) // also for the order alone
	switch {
	case !changes.None():
		r.log.Info("hosts changed", append([]any{"file", r.file}, listed(changes)...)...)
	case asked || r.broken:
		r.log.Info("hosts file reloaded, no changes", "file", r.file)
	}
	r.broken = false
}

func (g glance) parse() (*hosts.Set, error) {
	if g.err != nil {
		return nil, g.err
	}
	return g.text.Parse()
}

// listed are the log's attributes for what changed, without empty ones.
func listed(c hosts.Changes) (attrs []any) {
	for _, l := range []struct {
		name string
		ids  []string
	}{{"added", c.Added}, {"removed", c.Removed}, {"changed", c.Changed}} {
		if len(l.ids) > 0 {
			attrs = append(attrs, l.name, l.ids)
		}
	}
	return attrs
}
