package staging

import (
	"context"
	"errors"
	"io/fs"
	"sync"
	"time"

	"github.com/pkg/sftp"

	"sftpgate/remote/sshpool"
)

// syncDir makes the names in dir durable. fsync@openssh.com takes a directory
// handle as well (measured on OpenSSH 9.2). A host that was found not to do it
// is known as degraded, and is not asked. A drop box, which may be written and not read,
// cannot be opened: there the same is true of the one directory (see Host.dropBox).
func syncDir(c *sftp.Client, can sshpool.Abilities, dir string) error {
	d := beginDir(c, can, dir)
	defer d.close()
	return d.sync()
}

// dirHandle is a directory that is opened while its names still change, to be
// synced when they have. It must be closed.
type dirHandle struct {
	dir   string
	ready chan struct{} // closed when the rest is known; nil where the host syncs no directory
	file  *sftp.File
	err   error
}

func beginDir(c *sftp.Client, can sshpool.Abilities, dir string) *dirHandle {
	d := &dirHandle{dir: dir}
	if !can.DirSync {
		return d
	}
	d.ready = make(chan struct{})
	go func() {
		defer close(d.ready)
		d.file, d.err = c.Open(dir)
	}()
	return d
}

// sync makes durable what was done to the names before it was called.
func (d *dirHandle) sync() error {
	if d.ready == nil {
		return nil
	}
	<-d.ready
	if errors.Is(d.err, fs.ErrPermission) {
		return nil // a drop box
	}
	err := d.err
	if err == nil {
		err = d.file.Sync()
	}
	if err != nil {
		return Doing("sync the directory", d.dir, err)
	}
	return nil
}

// close does not wait for the host, whose fsync has told how it went.
func (d *dirHandle) close() {
	if d.ready == nil {
		return
	}
	go func() {
		if <-d.ready; d.file != nil {
			_ = d.file.Close()
		}
	}()
}

func syncFile(f *sftp.File, can sshpool.Abilities) error {
	if !can.Fsync {
		return nil
	}
	return f.Sync()
}

// dirSync makes the names in one directory durable for all who put names there
// at the same time. Who is about to says so by expect: the directory is opened
// while he still renames, and stays open until the last of a burst has gone.
type dirSync struct {
	host  *Host
	can   sshpool.Abilities
	dir   string
	lanes int // fsyncs that may be under way at once; 0 is one
	// gather is how long an fsync waits for others to share it; nil for not at all.
	gather func() time.Duration

	rounds groupCommit[struct{}]
	mu     sync.Mutex
	open   *openDir
}

// openFor is how long a directory that is open serves those who come new: what
// has its name may be another by then.
const openFor = time.Second

// openDir is the directory as it is open on one connection.
type openDir struct {
	at    time.Time
	ready chan struct{} // closed when the rest is known
	conn  *sshpool.Conn
	files []*sftp.File // one for each fsync at once
	err   error
	users int // guarded by dirSync.mu
}

// dirSyncUser is one who will put a name into the directory.
type dirSyncUser struct {
	d *dirSync
	o *openDir
}

// join opens the directory, unless it is open. The result must be released.
func (d *dirSync) join(ctx context.Context) dirSyncUser {
	if !d.can.DirSync {
		return dirSyncUser{}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open == nil || time.Since(d.open.at) > openFor || d.open.stale() {
		o := &openDir{at: time.Now(), ready: make(chan struct{}), files: make([]*sftp.File, max(d.lanes, 1))}
		d.open = o
		// It serves others too: it must not end with the caller that began it.
		go d.openOn(context.WithoutCancel(ctx), o)
	}
	d.open.users++
	return dirSyncUser{d, d.open}
}

func (d *dirSync) openOn(ctx context.Context, o *openDir) {
	defer close(o.ready)
	if o.conn, o.err = d.host.pool.Conn(ctx); o.err != nil {
		return
	}
	errs := make([]error, len(o.files))
	var all sync.WaitGroup
	for i := range o.files {
		all.Go(func() { o.files[i], errs[i] = o.conn.SFTP().Open(d.dir) })
	}
	all.Wait()
	o.err = o.conn.Explain(errors.Join(errs...))
}

// stale reports whether the connection that it is open on is of no more use.
func (o *openDir) stale() bool {
	select {
	case <-o.ready:
		return o.conn != nil && o.conn.Stale() != nil
	default:
		return false
	}
}

// sync returns after an fsync that began when the caller had put its name there.
// That the shared connection is lost is no reason for all of a burst to fail.
func (e dirSyncUser) sync(ctx context.Context) error {
	if e.d == nil {
		return nil
	}
	err := e.syncOnce(ctx)
	if err != nil && e.o.stale() {
		again := e.d.join(ctx)
		defer again.release()
		err = again.syncOnce(ctx)
	}
	return err
}

func (e dirSyncUser) syncOnce(ctx context.Context) error {
	gather := time.Duration(0)
	if e.d.gather != nil {
		gather = e.d.gather()
	}
	_, err := e.d.rounds.join(ctx, len(e.o.files), gather, func(_ context.Context, lane int) (struct{}, error) {
		<-e.o.ready
		if errors.Is(e.o.err, fs.ErrPermission) {
			e.d.host.noteDropBox(e.d.dir)
			return struct{}{}, nil
		}
		err := e.o.err
		if err == nil {
			err = e.o.conn.Explain(e.o.files[lane].Sync())
		}
		if err != nil {
			e.d.forget(e.o)
			err = e.d.host.explain(Doing("sync the directory", e.d.dir, err), e.d.dir)
		}
		return struct{}{}, err
	})
	return err
}

// forget lets nobody more use o.
func (d *dirSync) forget(o *openDir) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open == o {
		d.open = nil
	}
}

// release closes the directory when nobody expects to need it any more.
func (e dirSyncUser) release() {
	if e.d == nil {
		return
	}
	e.d.mu.Lock()
	defer e.d.mu.Unlock()
	if e.o.users--; e.o.users > 0 {
		return
	}
	if e.d.open == e.o {
		e.d.open = nil
	}
	go func() {
		<-e.o.ready
		for _, f := range e.o.files {
			if f != nil {
				go func() { _ = f.Close() }()
			}
		}
		if e.o.conn != nil {
			e.o.conn.Release()
		}
	}()
}
