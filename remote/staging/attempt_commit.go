package staging

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pkg/sftp"

	"sftpgate/remote/failpoint"
	"sftpgate/remote/record"
	"sftpgate/remote/sshpool"
)

// Commit makes a sealed attempt a chunk of the generation, at off: it is
// renamed to the name that says what it holds, and the name is synced. After
// Commit the chunk survives a reboot of the host. Any connection will do for it.
func (a *Attempt) Commit(ctx context.Context, g *Generation, off int64) (record.Chunk, error) {
	defer a.release()
	span, err := record.NewSpan(off, a.len)
	if err != nil {
		return record.Chunk{}, err
	}
	chunk := record.Chunk{Span: span, Sum: a.Sum()}
	err = a.place(ctx, g, chunk)
	if g.restoreChunkDir(ctx, err) {
		err = a.place(ctx, g, chunk)
	}
	if err != nil {
		return chunk, fmt.Errorf("commit %s: %w", chunk.Span, err)
	}
	failpoint.Reach(failpoint.ChunkDirSynced)
	return chunk, nil
}

// place gives the attempt the chunk's name.
func (a *Attempt) place(ctx context.Context, g *Generation, chunk record.Chunk) error {
	names := g.chunkNames.join(ctx)
	defer names.release()
	if err := a.moveTo(ctx, g.path(chunksDir, chunk.Name())); err != nil {
		return a.host.withCause(ctx, a.dir, 0, g.explainMissing(ctx, a.host.explain(err, a.dir)))
	}
	failpoint.Reach(failpoint.ChunkRenamed)
	if err := g.explainMissing(ctx, names.sync(ctx)); err != nil {
		return err
	}
	return a.confirmPlaced(ctx, g, chunk)
}

// confirmPlaced makes sure that the host is still the machine that has the chunk, when
// its configuration has changed meanwhile: else it is durable where nobody will
// look for it.
func (a *Attempt) confirmPlaced(ctx context.Context, g *Generation, c record.Chunk) error {
	stale := a.conn.Stale()
	if stale == nil {
		return nil
	}
	size, err := g.Size(ctx, g.path(chunksDir, c.Name()))
	if err != nil || size != c.Len {
		return errors.Join(stale, err)
	}
	return nil
}

// moveTo gives the attempt its name, over another connection where the one that it
// was written over is lost: what is sealed is on the host, whatever becomes of that.
// One that stands still has cost the caller a deadline, and he is not to wait for another.
func (a *Attempt) moveTo(ctx context.Context, to string) error {
	err := a.conn.Explain(a.rename(a.conn.SFTP(), to))
	var lost *sshpool.Error
	if !errors.As(err, &lost) || lost.Kind != sshpool.Unreachable || a.conn.RouteVersion() != a.host.pool.RouteVersion() {
		return err
	}
	return a.host.pool.Do(ctx, func(conn *sshpool.Conn) error {
		err := a.rename(conn.SFTP(), to)
		if errors.Is(err, fs.ErrNotExist) && a.has(conn.SFTP(), to) {
			return nil // the first time it was done, and the answer was lost
		}
		return err
	})
}

// rename to a name that says the content: whoever has the name already has the same bytes.
func (a *Attempt) rename(c *sftp.Client, to string) error {
	if a.can.PosixRename {
		return Doing("rename", a.path, c.PosixRename(a.path, to))
	}
	err := c.Rename(a.path, to)
	if err != nil && !errors.Is(err, fs.ErrNotExist) && a.has(c, to) {
		return Doing("remove", a.path, c.Remove(a.path))
	}
	return Doing("rename", a.path, err)
}

// has reports whether the chunk has its name already.
func (a *Attempt) has(c *sftp.Client, name string) bool {
	info, err := c.Lstat(name)
	return err == nil && info.Size() == a.len
}
