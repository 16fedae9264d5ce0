package resumable

import (
	"net/http"
	"strconv"
	"strings"

	"sftpgate/gateway"
	"sftpgate/gateway/dialect"
)

// family is one of the libraries: how it names its fields and what it makes of
// statuses.
type family struct {
	prefix string
	// missing answers GET for a chunk that is not there.
	missing int
	list    bool // its callback reads from answers which chunks are there
}

var (
	resumable = family{prefix: "resumable", missing: http.StatusNotFound}
	flow      = family{prefix: "flow", missing: http.StatusNoContent}
	simple    = family{missing: http.StatusNoContent, list: true}
)

// familyOf tells by the fields which library sent them.
func familyOf(f dialect.Fields) family {
	for _, known := range []family{resumable, flow} {
		if _, there := f[known.name("chunkNumber")]; there {
			return known
		}
	}
	return simple
}

// name is a field's: resumableChunkNumber, flowChunkNumber, chunkNumber.
func (l family) name(field string) string {
	if l.prefix == "" {
		return field
	}
	return l.prefix + strings.ToUpper(field[:1]) + field[1:]
}

// chunk is what a request says of its chunk and its file.
type chunk struct {
	family
	number     int64 // from 1
	size       int64 // of all chunks but the last
	length     int64 // of this one; -1 where it is not said
	total      int64 // of the file
	identifier string
	path       string // relative to the upload's directory
}

// enough reports whether the fields say all of that.
func enough(f dialect.Fields) bool {
	_, err := parse(f)
	return err == nil
}

func parse(f dialect.Fields) (chunk, error) {
	c := chunk{family: familyOf(f), length: -1}
	var err error
	for field, to := range map[string]*int64{"chunkNumber": &c.number, "chunkSize": &c.size, "totalSize": &c.total} {
		if *to, err = f.Number(c.name(field)); err != nil {
			return c, err
		}
	}
	if _, said := f[c.name("currentChunkSize")]; said {
		if c.length, err = f.Number(c.name("currentChunkSize")); err != nil {
			return c, err
		}
	}
	c.identifier = f[c.name("identifier")]
	if c.path = f[c.name("relativePath")]; c.path == "" {
		c.path = f[c.name("filename")]
	}
	switch {
	case c.number < 1:
		return c, gateway.Refuse(gateway.InvalidRequest, "chunks are counted from 1, not from %d", c.number)
	case c.size < 1 || c.size > 1<<60:
		return c, gateway.Refuse(gateway.InvalidRequest, "the chunk size must be between 1 byte and 2^60")
	case c.number > 1 && c.number-1 > (c.total-1)/c.size:
		return c, gateway.Refuse(gateway.InvalidRequest, "chunk %d with a chunk size of %d begins past the end of the file (%d bytes)", c.number, c.size, c.total)
	}
	return c, nil
}

// offset is where the chunk begins.
func (c chunk) offset() int64 { return (c.number - 1) * c.size }

// expected is the chunk's length, also where it is not said.
func (c chunk) expected() int64 {
	if c.length >= 0 {
		return c.length
	}
	return min(c.size, c.total-c.offset())
}

// file is what the chunk is a piece of.
func (c chunk) file(at dialect.Place) (dialect.File, error) {
	path, dirs, err := at.Below(c.path)
	id := dialect.HashID("resumable", path, strconv.FormatInt(c.total, 10), c.identifier)
	return dialect.File{Path: path, ID: id, Size: c.total, MakeDirs: dirs}, err
}
