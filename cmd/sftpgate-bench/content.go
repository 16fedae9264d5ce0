package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// content makes what is sent: random bytes, which nothing on the way can
// compress, in files that are kept for the turns to come.
type content struct {
	dir   string
	files map[int64]source
	trees map[string]tree
}

// source is one file to be sent.
type source struct {
	path string
	size int64
	sum  [sha256.Size]byte
}

// tree is a directory of files to be sent.
type tree struct {
	dir   string
	files []source
}

func newContent(dir string) (*content, error) {
	return &content{dir: dir, files: map[int64]source{}, trees: map[string]tree{}}, os.Mkdir(dir, 0o755)
}

// file is a file of this size.
func (c *content) file(size int64) (source, error) {
	if f, made := c.files[size]; made {
		return f, nil
	}
	f, err := create(filepath.Join(c.dir, fmt.Sprintf("%d.bin", size)), size, uint64(size))
	if err == nil {
		c.files[size] = f
	}
	return f, err
}

// tree is a directory of n files of this size.
func (c *content) tree(n int, size int64) (tree, error) {
	name := fmt.Sprintf("%d-of-%d", n, size)
	if t, made := c.trees[name]; made {
		return t, nil
	}
	t := tree{dir: filepath.Join(c.dir, name)}
	if err := os.Mkdir(t.dir, 0o755); err != nil {
		return t, err
	}
	for i := range n {
		f, err := create(filepath.Join(t.dir, fmt.Sprintf("%05d.bin", i)), size, uint64(i)<<32|uint64(n))
		if err != nil {
			return t, err
		}
		t.files = append(t.files, f)
	}
	c.trees[name] = t
	return t, nil
}

// create writes one file; on the disk it comes with the sync before each turn.
func create(path string, size int64, seed uint64) (source, error) {
	s := source{path: path, size: size}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return s, err
	}
	defer f.Close()
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	sum := sha256.New()
	if _, err := io.CopyN(io.MultiWriter(f, sum), rand.NewChaCha8(key), size); err != nil {
		return s, err
	}
	sum.Sum(s.sum[:0])
	return s, f.Close()
}

// arrived compares the file at path with what was sent.
func (s source) arrived(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("what was sent is not there: %w", err)
	}
	defer f.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, f)
	if err != nil {
		return err
	}
	if n != s.size || !bytes.Equal(sum.Sum(nil), s.sum[:]) {
		return fmt.Errorf("%s is not what was sent: %d of %d bytes, or others", path, n, s.size)
	}
	return nil
}

// load reads files, so that the turn finds them in the page cache.
func load(files []source) error {
	for _, s := range files {
		f, err := os.Open(s.path)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, onlyReader{f})
		_ = f.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// onlyReader keeps io.Copy from looking for shortcuts.
type onlyReader struct{ io.Reader }

// syncTree has the disk take every file below dir.
func syncTree(dir string) error {
	return filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		return f.Sync()
	})
}
