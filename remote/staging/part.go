package staging

import (
	"context"
	"errors"
	"io/fs"
	"sync"

	"github.com/pkg/sftp"

	"sftpgate/remote/sshpool"
)

// Size is the length of a file in staging.
func (g *Generation) Size(ctx context.Context, name string) (int64, error) {
	var size int64
	err := g.do(ctx, func(c *sftp.Client) error {
		info, err := c.Lstat(name)
		if err == nil {
			size = info.Size()
		}
		return err
	})
	return size, err
}

// Sizes is Size for many, in one round trip; one that cannot be told is left out.
func (g *Generation) Sizes(ctx context.Context, names []string) (map[string]int64, error) {
	sizes := map[string]int64{}
	err := g.do(ctx, func(c *sftp.Client) error {
		var mu sync.Mutex
		var asked sync.WaitGroup
		for _, name := range names {
			asked.Go(func() {
				if info, err := c.Lstat(name); err == nil {
					mu.Lock()
					sizes[name] = info.Size()
					mu.Unlock()
				}
			})
		}
		asked.Wait()
		return nil
	})
	return sizes, err
}

// NewPart makes the next part file that nobody has written to, starting at
// epoch, and returns the epoch it got.
func (g *Generation) NewPart(ctx context.Context, epoch int) (int, error) {
	err := g.do(ctx, func(c *sftp.Client) error {
		names := beginDir(c, g.can, g.path())
		defer names.close()
		for {
			wait := startNoSymlinkCheck(c, g.can, g.path())
			f, err := c.OpenFile(g.PartPath(epoch), exclusive)
			moved := wait()
			if err == nil && moved != nil {
				return errors.Join(moved, f.Close(), c.Remove(g.PartPath(epoch)))
			}
			if err == nil {
				closed := make(chan error, 1)
				go func() { closed <- f.Close() }()
				return errors.Join(names.sync(), <-closed)
			}
			if moved != nil {
				return moved
			}
			if _, lerr := c.Lstat(g.PartPath(epoch)); lerr != nil {
				return Doing("create the file", g.PartPath(epoch), err)
			}
			epoch++
		}
	})
	return epoch, g.host.withCause(ctx, g.target.Dir, 0, err)
}

// SucceedPart gives the part of an epoch, with all that is in it, to the next
// one, and returns that. Where the part is missing an empty one takes its place
// and moved is false: it was removed, or another gateway has moved it already.
func (g *Generation) SucceedPart(ctx context.Context, epoch int) (next int, moved bool, err error) {
	if next, err = g.NewPart(ctx, epoch+1); err != nil {
		return 0, false, err
	}
	err = g.do(ctx, func(c *sftp.Client) error {
		from, to := g.PartPath(epoch), g.PartPath(next)
		if _, err := c.Lstat(from); errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if !g.can.PosixRename {
			if err := c.Remove(to); err != nil {
				return Doing("remove", to, err)
			}
		}
		if err := move(c, g.can, from, to); err != nil {
			return err
		}
		moved = true
		return syncDir(c, g.can, g.path())
	})
	return next, moved, err
}

// OpenPart is a part that will be synced. It is opened while it is still written to.
type OpenPart struct {
	gen   *Generation
	path  string
	ready chan struct{} // closed when the rest is known
	conn  *sshpool.Conn
	file  *sftp.File
	err   error
}

// OpenPart begins to open the part of an epoch; it must be closed.
func (g *Generation) OpenPart(ctx context.Context, epoch int) *OpenPart {
	p := &OpenPart{gen: g, path: g.PartPath(epoch), ready: make(chan struct{})}
	go func() {
		defer close(p.ready)
		if p.conn, p.err = g.host.pool.Conn(ctx); p.err != nil {
			return
		}
		p.file, p.err = p.conn.SFTP().OpenFile(p.path, writeOnly)
		p.err = Doing("open", p.path, p.err)
		p.err = p.conn.Explain(p.err)
	}()
	return p
}

// Sync makes what was written to the part durable.
func (p *OpenPart) Sync(ctx context.Context) error {
	<-p.ready
	err := p.err
	if err == nil {
		err = p.conn.Explain(syncFile(p.file, p.gen.can))
	}
	if err != nil {
		err = p.gen.host.explain(Doing("sync", p.path, err), p.path)
	}
	return p.gen.host.writeCause(ctx, p.gen.target.Dir, 0, p.gen.explainMissing(ctx, err))
}

// Close does not wait for the host.
func (p *OpenPart) Close() {
	go func() {
		<-p.ready
		if p.file != nil {
			_ = p.file.Close()
		}
		if p.conn != nil {
			p.conn.Release()
		}
	}()
}

// SyncPart makes what was written to a part durable.
func (g *Generation) SyncPart(ctx context.Context, epoch int) error {
	p := g.OpenPart(ctx, epoch)
	defer p.Close()
	return p.Sync(ctx)
}
