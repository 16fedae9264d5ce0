package stage

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"

	"github.com/pkg/sftp"

	"sftpgate/remote/failpoint"
	"sftpgate/remote/link"
	"sftpgate/remote/record"
)

// Attempt is bytes on their way into staging, under a name that is never used
// twice: a server process that stalled and goes on later writes to nothing
// that counts. An attempt is filled once, sealed, and then committed or
// discarded.
type Attempt struct {
	host *Host
	can  link.Abilities
	conn *link.Conn
	file *sftp.File
	path string
	dir  string // the target's directory, for errors and free space

	len int64
	sum hash.Hash
}

// Attempt opens a new attempt in the generation.
func (g *Generation) Attempt(ctx context.Context) (*Attempt, error) {
	a, err := g.host.attempt(ctx, g.can, g.target.Dir, g.path(tmpPrefix+randomName()), g.path(chunksDir))
	if err == nil {
		failpoint.Reach(failpoint.ChunkOpened)
	}
	return a, g.gone(ctx, err)
}

// attempt opens name; way is the directory that it will be renamed to, or into.
func (h *Host) attempt(ctx context.Context, can link.Abilities, dir, name, way string) (*Attempt, error) {
	conn, err := h.pool.Conn(ctx)
	if err != nil {
		return nil, err
	}
	wait := standing(conn.SFTP(), way)
	f, err := conn.SFTP().OpenFile(name, exclusive)
	if moved := wait(); moved != nil && err == nil {
		err = errors.Join(moved, f.Close(), conn.SFTP().Remove(name))
	}
	if err != nil {
		err = h.explain(conn.Explain(fmt.Errorf("open %s: %w", name, err)), dir)
		conn.Release()
		return nil, h.spaceOr(ctx, dir, 0, err)
	}
	return &Attempt{host: h, can: can, conn: conn, file: f, path: name, dir: dir, sum: sha256.New()}, nil
}

// Fill writes r's bytes to the host until it ends, several packets in flight,
// and takes their digest on the way. An error means that the host failed and
// the attempt has holes: only Discard is left. r's own errors are the caller's
// to see; it must end with io.EOF.
func (a *Attempt) Fill(ctx context.Context, r io.Reader) (int64, error) {
	n, err := a.file.ReadFromWithConcurrency(io.TeeReader(r, a.sum), 0)
	a.len += n
	if err != nil {
		err = a.host.explain(a.conn.Explain(fmt.Errorf("write %s: %w", a.path, err)), a.dir)
		return n, a.host.spaceOr(ctx, a.dir, 0, err)
	}
	failpoint.Reach(failpoint.ChunkFilled)
	return n, nil
}

// Seal syncs the bytes and checks that the host has all of them.
func (a *Attempt) Seal(ctx context.Context) error {
	err := syncFile(a.file, a.can)
	var info fs.FileInfo
	if err == nil {
		info, err = a.file.Stat()
	}
	if err == nil && info.Size() != a.len {
		err = fmt.Errorf("%w: %s has %d bytes, %d were written", ErrContent, a.path, info.Size(), a.len)
	}
	err = errors.Join(err, a.file.Close())
	if err != nil {
		err = a.host.explain(a.conn.Explain(fmt.Errorf("sync %s: %w", a.path, err)), a.dir)
		return a.host.spaceOr(ctx, a.dir, 0, err)
	}
	failpoint.Reach(failpoint.ChunkSynced)
	return nil
}

// Len is how many bytes the attempt holds.
func (a *Attempt) Len() int64 { return a.len }

// Sum is the digest of its bytes.
func (a *Attempt) Sum() record.Sum { return record.Sum(a.sum.Sum(nil)) }

// Commit makes a sealed attempt a chunk of the generation, at off: it is
// renamed to the name that says what it holds, and the name is synced. After
// Commit the chunk survives a reboot of the host.
func (a *Attempt) Commit(ctx context.Context, g *Generation, off int64) (record.Chunk, error) {
	defer a.conn.Release()
	span, err := record.NewSpan(off, a.len)
	if err != nil {
		return record.Chunk{}, err
	}
	chunk := record.Chunk{Span: span, Sum: a.Sum()}
	err = g.gone(ctx, a.host.explain(a.conn.Explain(a.rename(g.path(chunksDir, chunk.Name()))), a.dir))
	if err != nil {
		return chunk, fmt.Errorf("commit %s: %w", chunk.Span, err)
	}
	failpoint.Reach(failpoint.ChunkRenamed)
	if err := g.chunkNames.Sync(ctx); err != nil {
		return chunk, fmt.Errorf("commit %s: %w", chunk.Span, err)
	}
	failpoint.Reach(failpoint.ChunkDirSynced)
	return chunk, nil
}

// rename to a name that says the content: whoever has the name already has the same bytes.
func (a *Attempt) rename(to string) error {
	c := a.conn.SFTP()
	if a.can.PosixRename {
		return c.PosixRename(a.path, to)
	}
	err := c.Rename(a.path, to)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		if info, lerr := c.Lstat(to); lerr == nil && info.Size() == a.len {
			return c.Remove(a.path)
		}
	}
	return err
}

// Discard gives the attempt up. What it leaves where the host cannot be
// reached goes with the staging.
func (a *Attempt) Discard() {
	_ = a.file.Close()
	_ = a.conn.SFTP().Remove(a.path)
	a.conn.Release()
}

// ReadBack streams a part of a sealed attempt to w.
func (a *Attempt) ReadBack(ctx context.Context, g *Generation, off, length int64, w io.Writer) error {
	return g.ReadBack(ctx, a.path, off, length, w)
}
