package webuploader

import (
	"strconv"

	"sftpgate/gateway"
	"sftpgate/gateway/dialect"
)

// chunk is what a request says of its chunk and its file.
type chunk struct {
	index    int64 // from 0
	count    int64 // of chunks, at least 2
	total    int64 // bytes of the file
	modified string
}

// cut reports whether the request brings a chunk, and not a whole file.
func cut(f dialect.Fields) bool {
	chunks := f["chunks"]
	return chunks != "" && chunks != "0" && chunks != "1"
}

func parse(f dialect.Fields) (chunk, error) {
	c := chunk{modified: f["lastModifiedDate"]}
	for _, field := range []struct {
		name string
		to   *int64
	}{{"chunk", &c.index}, {"chunks", &c.count}, {"size", &c.total}} {
		var err error
		if *field.to, err = f.Number(field.name); err != nil {
			return c, err
		}
	}
	switch {
	case c.count < 2 || c.count > c.total || c.least() > c.most():
		return c, gateway.Refuse(gateway.InvalidRequest, "a file of %d bytes cannot have %d chunks", c.total, c.count)
	case c.index >= c.count:
		return c, gateway.Refuse(gateway.InvalidRequest, "chunk %d, counted from 0, is out of range for %d chunks", c.index, c.count)
	}
	return c, nil
}

// least and most are between what the chunk size must be for that many chunks.
func (c chunk) least() int64 { return (c.total-1)/c.count + 1 }
func (c chunk) most() int64  { return (c.total - 1) / (c.count - 1) }

func (c chunk) last() bool { return c.index == c.count-1 }

// sized is where the chunk begins, and its length, where all but the last have size bytes.
func (c chunk) sized(size int64) (off, length int64, err error) {
	if size < c.least() || size > c.most() {
		return 0, 0, gateway.Refuse(gateway.InvalidRequest, "%d chunks of %d bytes do not make a file of %d bytes", c.count, size, c.total)
	}
	off = c.index * size
	return off, min(size, c.total-off), nil
}

// size is that of all chunks but the last, where this one has length bytes.
func (c chunk) size(length int64) (int64, error) {
	size := length
	if c.last() {
		size = (c.total - length) / (c.count - 1)
	}
	_, want, err := c.sized(size)
	if err == nil && want != length {
		err = gateway.Refuse(gateway.InvalidRequest, "the last of %d chunks cannot have %d of the file's %d bytes", c.count, length, c.total)
	}
	return size, err
}

// file is what the chunk is a piece of.
func (c chunk) file(path string) dialect.File {
	id := dialect.HashID("webuploader", path, strconv.FormatInt(c.total, 10), strconv.FormatInt(c.count, 10), c.modified)
	return dialect.File{Path: path, ID: id, Size: c.total}
}
