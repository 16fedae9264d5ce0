package staging

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"path"

	"github.com/pkg/sftp"
)

// Joined is a file of chunks that lie side by side, which counts for nothing. It is made
// to have them copied at once.
type Joined struct {
	Path string
	Len  int64

	gen *Generation
}

// Join reads chunks, of which each begins where the one before it ends, and puts their
// bytes into one file in the generation. Each must have the digest that its name says:
// one that is gone or damaged must not have the bytes of others land in its place. It
// must be removed.
//
// Errors: ErrContent where one does not have it; a chunk that is gone is fs.ErrNotExist.
func (g *Generation) Join(ctx context.Context, chunks []Staged) (*Joined, error) {
	j := &Joined{Path: g.path(tmpPrefix + randomName()), gen: g}
	err := g.do(ctx, func(c *sftp.Client) error {
		content, err := readChunks(c, chunks)
		if err != nil {
			return err
		}
		j.Len = int64(len(content))
		return j.write(c, content)
	})
	if err != nil {
		j.Remove(context.WithoutCancel(ctx))
		return nil, fmt.Errorf("join %d chunks: %w", len(chunks), err)
	}
	return j, nil
}

// write makes the file. It is not synced: whoever copies it is on the same host.
func (j *Joined) write(c *sftp.Client, content []byte) error {
	wait := startNoSymlinkCheck(c, j.gen.can, path.Dir(j.Path))
	f, err := createFile(c, j.gen.can, j.Path)
	if err == nil {
		_, err = f.WriteAt(content, 0)
		err = errors.Join(Doing("write", j.Path, err), f.Close())
	}
	return errors.Join(wait(), err)
}

// Remove removes the file. What cannot be removed now goes with the generation.
func (j *Joined) Remove(ctx context.Context) {
	_ = j.gen.do(ctx, func(c *sftp.Client) error { return c.Remove(j.Path) })
}

// readChunks reads many small chunks at once.
func readChunks(c *sftp.Client, chunks []Staged) ([]byte, error) {
	base := chunks[0].Off
	content := make([]byte, chunks[len(chunks)-1].End()-base)
	err := forEachParallel(chunks, func(chunk Staged) error {
		return readChunk(c, chunk, content[chunk.Off-base:chunk.End()-base])
	})
	return content, err
}

func readChunk(c *sftp.Client, chunk Staged, into []byte) error {
	f, err := c.Open(chunk.Path)
	if err != nil {
		return Doing("read", chunk.Path, err)
	}
	_, err = f.ReadAt(into, 0)
	go func() { _ = f.Close() }() // that was read alone
	if err == nil && sha256.Sum256(into) != chunk.Sum {
		err = ErrContent
	}
	return Doing("read", chunk.Path, err)
}
