package stage

import (
	"context"
	"fmt"
	"sync"

	"github.com/pkg/sftp"

	"sftpgate/remote/link"
)

// syncDir makes the names in dir durable. fsync@openssh.com takes a directory
// handle as well (measured on OpenSSH 9.2). A host that was found not to do it
// is known as degraded, and is not asked.
func syncDir(c *sftp.Client, can link.Abilities, dir string) error {
	if !can.DirSync {
		return nil
	}
	d, err := c.Open(dir)
	if err != nil {
		return fmt.Errorf("sync directory %s: %w", dir, err)
	}
	err = d.Sync()
	if cerr := d.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return fmt.Errorf("sync directory %s: %w", dir, err)
	}
	return nil
}

func syncFile(f *sftp.File, can link.Abilities) error {
	if !can.Fsync {
		return nil
	}
	return f.Sync()
}

// dirSync shares one fsync of a directory among all that wait for one: a call
// returns after an fsync that began when the call was already made.
type dirSync struct {
	sync func(context.Context) error

	mu      sync.Mutex
	running *syncRound
	next    *syncRound
}

type syncRound struct {
	done chan struct{}
	err  error
}

func (d *dirSync) Sync(ctx context.Context) error {
	d.mu.Lock()
	if d.next != nil { // a round is collecting
		round := d.next
		d.mu.Unlock()
		return round.wait(ctx)
	}
	round := &syncRound{done: make(chan struct{})}
	d.next = round
	before := d.running
	d.mu.Unlock()
	if before != nil {
		<-before.done // the round before was begun too early for us
	}
	d.mu.Lock()
	d.running, d.next = round, nil
	d.mu.Unlock()
	// The round serves others too: it must not end with the caller that began it.
	round.err = d.sync(context.WithoutCancel(ctx))
	close(round.done)
	return round.err
}

func (r *syncRound) wait(ctx context.Context) error {
	select {
	case <-r.done:
		return r.err
	case <-ctx.Done():
		return ctx.Err()
	}
}
