package staging

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"path"
	"sync"
	"sync/atomic"

	"github.com/pkg/sftp"

	"sftpgate/remote/failpoint"
	"sftpgate/remote/record"
	"sftpgate/remote/sshpool"
)

// Attempt is bytes on their way into staging, under a name that is never used
// twice: a server process that stalled and goes on later writes to nothing
// that counts. An attempt is filled once, sealed, and then committed or
// discarded.
type Attempt struct {
	host *Host
	can  sshpool.Abilities
	conn *sshpool.Conn
	file *sftp.File
	path string
	dir  string      // the target's directory, for errors and free space
	gen  *Generation // that it was opened in; nil for none

	len int64
	sum hash.Hash

	lanes    *Lanes
	sizeHint int64          // how many bytes it is likely to hold
	writes   sync.WaitGroup // blocks that are under way
	closed   atomic.Bool
	// guarded by lanes.mu
	files    []openFile // the first is conn and file
	queued   int        // blocks that no connection has room for yet
	opening  []*lane    // that it is open on, or is being opened on
	opened   uint64     // as Lanes.opened
	narrowed bool       // no way more is to be opened
	err      error
}

// Attempt opens a new attempt in the generation, on one connection.
func (g *Generation) Attempt(ctx context.Context) (*Attempt, error) {
	l := g.Lanes()
	defer l.Close()
	return l.Attempt(ctx, 0)
}

// Lanes are for a body that may need more than one connection and more than one
// attempt. They must be closed.
func (g *Generation) Lanes() *Lanes {
	return newLanes(g.host, func(ctx context.Context, conn *sshpool.Conn) (*Attempt, error) {
		open := func() (*Attempt, error) {
			a, err := g.host.createAttempt(ctx, conn, g.can, g.target.Dir, g.path(tmpPrefix+randomName()), g.path(chunksDir))
			return a, g.explainMissing(ctx, err)
		}
		a, err := open()
		if g.restoreChunkDir(ctx, err) {
			a, err = open()
		}
		if err != nil {
			return nil, err
		}
		a.gen = g
		failpoint.Reach(failpoint.ChunkOpened)
		return a, nil
	})
}

// openAttempt opens one attempt outside of any generation.
func (h *Host) openAttempt(ctx context.Context, can sshpool.Abilities, dir, name, way string) (*Attempt, error) {
	l := newLanes(h, func(ctx context.Context, conn *sshpool.Conn) (*Attempt, error) {
		return h.createAttempt(ctx, conn, can, dir, name, way)
	})
	defer l.Close()
	return l.Attempt(ctx, 0)
}

// createAttempt opens name; way is the directory that it will be renamed to, or into.
func (h *Host) createAttempt(ctx context.Context, conn *sshpool.Conn, can sshpool.Abilities, dir, name, way string) (*Attempt, error) {
	wait := startNoSymlinkCheck(conn.SFTP(), can, way)
	f, err := conn.SFTP().OpenFile(name, exclusive)
	if moved := wait(); moved != nil && err == nil {
		err = errors.Join(moved, f.Close(), conn.SFTP().Remove(name))
	}
	if err != nil {
		err = h.explain(conn.Explain(Doing("create a file in", path.Dir(name), err)), dir)
		return nil, h.withCause(ctx, dir, 0, err)
	}
	return &Attempt{host: h, can: can, conn: conn, file: f, path: name, dir: dir, sum: sha256.New()}, nil
}

// Fill sends r's bytes to the host until it ends, many packets in flight, and
// takes their digest on the way. It returns when they are on their way; that all
// have arrived is for Seal to say. An error means that the host failed and the
// attempt has holes: only Discard is left. r's own errors are the caller's to
// see; it must end with io.EOF.
func (a *Attempt) Fill(ctx context.Context, r io.Reader) (int64, error) {
	n, err := a.stripe(r)
	a.len += n
	if err != nil {
		return n, a.explain(ctx, err)
	}
	failpoint.Reach(failpoint.ChunkFilled)
	return n, nil
}

// Seal syncs the bytes and checks that the host has all of them.
func (a *Attempt) Seal(ctx context.Context) error {
	err := a.awaitWrites()
	if err == nil {
		_, err = a.sync()
	}
	if err != nil {
		return a.explain(ctx, err)
	}
	failpoint.Reach(failpoint.ChunkSynced)
	return nil
}

// awaitWrites waits until the host has answered for every block, and keeps the
// attempt open on one connection alone.
func (a *Attempt) awaitWrites() error {
	a.writes.Wait()
	over := a.keepFiles(1)
	if a.can.Fsync { // that tells how it went for all of them
		for _, w := range over {
			go func() { _ = a.closeFile(w) }()
		}
		return a.writeError()
	}
	errs := []error{a.writeError()}
	for _, w := range over {
		errs = append(errs, a.closeFile(w))
	}
	return errors.Join(errs...)
}

// sync makes the bytes durable and describes the file. It is asked for at the same
// time, by the name, since a sftp.File does one thing at a time; and where an fsync
// has told how it went nobody waits for the file to be closed.
func (a *Attempt) sync() (*File, error) {
	synced := make(chan error, 1)
	go func() { synced <- syncFile(a.file, a.can) }()
	info, err := a.conn.SFTP().Lstat(a.path)
	err = errors.Join(err, <-synced)
	if err == nil && info.Size() != a.len {
		err = fmt.Errorf("%w: %s has %d bytes, %d were written", ErrContent, a.path, info.Size(), a.len)
	}
	if a.can.Fsync {
		go func() { _ = a.close() }()
	} else {
		err = errors.Join(err, a.close())
	}
	if err != nil {
		return nil, a.conn.Explain(Doing("sync", a.path, err))
	}
	return newFileInfo(a.path, info), nil
}

// close closes the file once. Not with sftp.File's own lock: who waits for that
// waits for the host.
func (a *Attempt) close() error {
	if !a.closed.CompareAndSwap(false, true) {
		return nil
	}
	return a.file.Close()
}

// explain says what stands behind an error of the host.
func (a *Attempt) explain(ctx context.Context, err error) error {
	err = a.host.writeCause(ctx, a.dir, a.len, a.host.explain(err, a.dir))
	if a.gen != nil {
		err = a.gen.explainMissing(ctx, err)
	}
	return err
}

func (a *Attempt) writeError() error {
	a.lanes.mu.Lock()
	defer a.lanes.mu.Unlock()
	return a.err
}

// keepFiles keeps n ways, and returns the others.
func (a *Attempt) keepFiles(n int) []openFile {
	a.lanes.mu.Lock()
	defer a.lanes.mu.Unlock()
	a.narrowed = true
	n = min(n, len(a.files))
	over := a.files[n:]
	a.files = a.files[:n:n]
	return over
}

// closeFile closes the attempt on one connection and gives that back.
func (a *Attempt) closeFile(w openFile) error {
	err := w.lane.conn.Explain(w.file.Close())
	a.lanes.releaseLane(w.lane)
	return err
}

// release gives every connection back.
func (a *Attempt) release() {
	for _, w := range a.keepFiles(0) {
		if w.file == a.file {
			a.lanes.releaseLane(w.lane) // it is closed by now
		} else {
			_ = a.closeFile(w)
		}
	}
}

// Len is how many bytes the attempt holds.
func (a *Attempt) Len() int64 { return a.len }

// Sum is the digest of its bytes.
func (a *Attempt) Sum() record.Sum { return record.Sum(a.sum.Sum(nil)) }

// Discard gives the attempt up. What it leaves where the host cannot be
// reached goes with the staging.
func (a *Attempt) Discard() {
	_ = a.awaitWrites()
	_ = a.close()
	_ = a.conn.SFTP().Remove(a.path)
	a.release()
}

// ReadBack streams a part of a sealed attempt to w.
func (a *Attempt) ReadBack(ctx context.Context, g *Generation, off, length int64, w io.Writer) error {
	return g.ReadBack(ctx, a.path, off, length, w)
}
