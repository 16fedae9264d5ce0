package dropzone

import (
	"sftpgate/gateway"
	"sftpgate/gateway/dialect"
)

// chunk is what a form says of its chunk.
type chunk struct {
	uuid   string
	index  int64 // from 0
	size   int64 // of all chunks but the last
	total  int64 // bytes of the file
	offset int64
}

// cut reports whether the form brings a chunk, and not a whole file.
func cut(f dialect.Fields) bool {
	_, there := f["dzchunkindex"]
	return there
}

func parse(f dialect.Fields) (chunk, error) {
	c := chunk{uuid: f["dzuuid"]}
	var count int64
	for _, field := range []struct {
		name string
		to   *int64
	}{{"dzchunkindex", &c.index}, {"dztotalfilesize", &c.total}, {"dzchunksize", &c.size}, {"dztotalchunkcount", &count}, {"dzchunkbyteoffset", &c.offset}} {
		var err error
		if *field.to, err = f.Number(field.name); err != nil {
			return c, err
		}
	}
	switch {
	case c.uuid == "":
		return c, gateway.Refuse(gateway.InvalidRequest, "the field dzuuid is missing")
	case c.size < 1:
		return c, gateway.Refuse(gateway.InvalidRequest, "dzchunksize must be at least 1 byte")
	case count != chunks(c.total, c.size):
		return c, gateway.Refuse(gateway.InvalidRequest, "%d chunks of %d bytes do not make a file of %d bytes: a file that the page changes before sending (transformFile, resizeWidth) cannot be sent in chunks", count, c.size, c.total)
	case c.index >= count:
		return c, gateway.Refuse(gateway.InvalidRequest, "chunk %d, counted from 0, is out of range for %d chunks", c.index, count)
	case c.offset != c.index*c.size:
		return c, gateway.Refuse(gateway.InvalidRequest, "chunk %d with a chunk size of %d does not begin at %d", c.index, c.size, c.offset)
	}
	return c, nil
}

// chunks is how many there are. An empty file has one, although Dropzone counts none
// and never sends it.
func chunks(total, size int64) int64 { return max((total-1)/size+1, 1) }

// length is that of this chunk, in bytes.
func (c chunk) length() int64 { return min(c.size, c.total-c.offset) }

// file is what the chunk is a piece of.
func (c chunk) file(path string, dirs bool) dialect.File {
	return dialect.File{Path: path, ID: dialect.HashID("dropzone", path, c.uuid), Once: true, Size: c.total, ChunkSize: c.size, MakeDirs: dirs}
}

// place is where a file belongs: by the path that the page gives it, or by its name.
func place(at dialect.Place, sent *dialect.Sent) (path string, dirs bool, err error) {
	if full := sent.Fields["fullPath"]; full != "" {
		return at.Below(full)
	}
	path, err = at.Named(sent.Name)
	return path, false, err
}
