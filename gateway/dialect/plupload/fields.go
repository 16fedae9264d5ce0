package plupload

import (
	"strconv"

	"sftpgate/gateway"
	"sftpgate/gateway/dialect"
)

// chunk is what a request says of its chunk: an index and how many there are, or else
// an offset and the file's size.
type chunk struct {
	dialect.File
	index, count  int64 // count 0: by its offset
	offset, total int64
}

// cut reports whether the request brings a chunk, and not a whole file.
func cut(f dialect.Fields) bool {
	chunks, total := f["chunks"], f["total"]
	return chunks != "" && chunks != "0" && chunks != "1" || total != "" && total != "0" && f["offset"] != ""
}

func parse(at dialect.Place, f dialect.Fields) (c chunk, err error) {
	numbers := map[string]*int64{"chunk": &c.index, "chunks": &c.count}
	if f["chunks"] == "" {
		numbers = map[string]*int64{"offset": &c.offset, "total": &c.total}
	}
	for name, to := range numbers {
		if *to, err = f.Number(name); err != nil {
			return c, err
		}
	}
	c.Size = -1
	if c.count == 0 {
		c.Size = c.total
	}
	switch {
	case c.count > 0 && c.index >= c.count:
		return c, gateway.Refuse(gateway.InvalidRequest, "chunk %d, counted from 0, is out of range for %d chunks", c.index, c.count)
	case c.count == 0 && c.offset >= c.total:
		return c, gateway.Refuse(gateway.InvalidRequest, "offset %d is outside the file's %d bytes", c.offset, c.total)
	}
	// The part's own name is "blob".
	if c.Path, err = at.Named(f["name"]); err != nil {
		return c, err
	}
	c.ID = dialect.HashID("plupload", c.Path, strconv.FormatInt(c.count, 10), strconv.FormatInt(c.total, 10))
	return c, nil
}

func (c chunk) first() bool { return c.index == 0 && c.offset == 0 }

// last is known of those that are counted.
func (c chunk) last() bool { return c.count > 0 && c.index == c.count-1 }

// begin is where the chunk begins in an upload.
func (c chunk) begin(u gateway.Upload) int64 {
	if c.count == 0 {
		return c.offset
	}
	return c.index * u.ChunkSize
}
