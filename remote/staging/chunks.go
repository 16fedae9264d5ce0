package staging

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"

	"github.com/pkg/sftp"

	"sftpgate/remote/record"
)

// Staged is a committed chunk and where its file is.
type Staged struct {
	record.Chunk // its place in this upload's file
	Path         string
	// Adopted is set for a chunk of an unnamed upload that this one adopted.
	Adopted bool
}

// StagedAt is where a chunk of this generation's own is kept.
func (g *Generation) StagedAt(c record.Chunk) Staged {
	return Staged{Chunk: c, Path: g.path(chunksDir, c.Name())}
}

// Chunks lists the committed chunks, those of adopted uploads at their place
// in this file. A file whose length is not what its name says is removed and
// not listed: it was changed behind our back, and its bytes are missing.
func (g *Generation) Chunks(ctx context.Context) ([]Staged, error) {
	all, err := g.readChunkDir(ctx)
	if g.restoreChunkDir(ctx, err) {
		return g.readChunkDir(ctx)
	}
	return all, err
}

func (g *Generation) readChunkDir(ctx context.Context) ([]Staged, error) {
	var all []Staged
	err := g.do(ctx, func(c *sftp.Client) error {
		own, err := listChunks(c, g.path(chunksDir), record.Adopted{})
		if err != nil {
			return err
		}
		all = own
		for _, a := range g.State().Meta.Adopted {
			more, err := listChunks(c, path.Join(a.Dir, chunksDir), a)
			if errors.Is(err, fs.ErrNotExist) {
				continue // the part is gone: its bytes are missing
			}
			if err != nil {
				return fmt.Errorf("adopted upload %s: %w", a.ID, err)
			}
			all = append(all, more...)
		}
		return nil
	})
	return all, err
}

func listChunks(c *sftp.Client, dir string, adopted record.Adopted) ([]Staged, error) {
	infos, err := c.ReadDir(dir)
	if err != nil {
		return nil, Doing("list", dir, err)
	}
	var list []Staged
	for _, info := range infos {
		chunk, err := record.ParseChunkName(info.Name())
		if err != nil {
			continue // not ours
		}
		at := path.Join(dir, info.Name())
		if !info.Mode().IsRegular() || info.Size() != chunk.Len {
			if err := c.Remove(at); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return nil, Doing("remove", at, err)
			}
			continue
		}
		if adopted.ID != "" {
			if chunk.End() > adopted.Len {
				continue
			}
			chunk.Off += adopted.Base
		}
		list = append(list, Staged{Chunk: chunk, Path: at, Adopted: adopted.ID != ""})
	}
	// Moved away to be removed meanwhile, the directory would seem to miss chunks.
	_, err = c.Lstat(dir)
	return list, err
}

// Free removes files of staging. That they are not needed is for the caller to know.
func (g *Generation) Free(ctx context.Context, chunks []Staged) error {
	return g.do(ctx, func(c *sftp.Client) error {
		return forEachParallel(chunks, func(chunk Staged) error {
			if err := c.Remove(chunk.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return Doing("remove", chunk.Path, err)
			}
			return nil
		})
	})
}

// FreeMerged removes the files of merged chunks, where the records say that they
// are. Where they do not say it, nothing is removed and ok is false. Where another
// record can have taken the place of the one that said it, they are read again first.
func (g *Generation) FreeMerged(ctx context.Context, chunks []Staged) (ok bool, err error) {
	if !createIsExclusive(g.can) {
		if err := g.Reload(ctx); err != nil {
			return false, err
		}
	}
	g.mu.Lock()
	state := g.recorded // not what is owed by now
	g.mu.Unlock()
	for _, c := range chunks {
		if !state.Covers(c.Chunk) {
			return false, nil
		}
	}
	return true, g.Free(ctx, chunks)
}

// Leave notes that chunk files are left to Remove.
func (g *Generation) Leave(chunks []Staged) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, c := range chunks {
		g.left = append(g.left, path.Join(chunksDir, path.Base(c.Path)))
	}
}

// ReadBack streams [off, off+length) of a file in staging to w, several
// packets in flight. It fails with ErrContent where the file is shorter.
func (g *Generation) ReadBack(ctx context.Context, name string, off, length int64, w io.Writer) error {
	return g.do(ctx, func(c *sftp.Client) error { return readRange(ctx, c, name, off, length, w) })
}

func readRange(ctx context.Context, c *sftp.Client, name string, off, length int64, w io.Writer) error {
	f, err := c.Open(name)
	if err != nil {
		return Doing("read back", name, err)
	}
	defer f.Close()
	n, err := io.CopyBuffer(whileWriter{ctx, w}, io.NewSectionReader(f, off, length), make([]byte, 1<<20))
	if err != nil {
		return Doing("read back", name, err)
	}
	if n != length {
		return fmt.Errorf("%w: %s ends %d bytes early", ErrContent, name, length-n)
	}
	return nil
}

// whileWriter writes while its context lasts. It has no ReadFrom, so that
// io.CopyBuffer uses its large buffer, which pkg/sftp's ReadAt splits into
// packets that are in flight together.
type whileWriter struct {
	ctx context.Context
	w   io.Writer
}

func (w whileWriter) Write(p []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.w.Write(p)
}

// ReadPublished streams a part of the file at a target to w and returns the
// file's ETag from before.
func (h *Host) ReadPublished(ctx context.Context, t Target, off, length int64, w io.Writer) (string, error) {
	var etag string
	err := h.do(ctx, t.Path(), func(c *sftp.Client) error {
		info, err := statFile(c, t.Path())
		if err != nil || info == nil {
			return err
		}
		etag = info.ETag()
		return readRange(ctx, c, t.Path(), off, length, w)
	})
	return etag, err
}
