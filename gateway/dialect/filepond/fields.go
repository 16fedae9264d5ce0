package filepond

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"sftpgate/gateway"
	"sftpgate/gateway/dialect"
	"sftpgate/gateway/web"
)

// transfer is what the id of one says.
type transfer struct {
	key string // random, in hexadecimal
	dir string // below the upload's directory; "" for that itself
}

// prefix tells the ids of transfers from those of files that came whole.
const prefix = "transfer-"

func newTransfer(dir string) transfer {
	var key [16]byte
	_, _ = rand.Read(key[:]) // it never fails
	return transfer{hex.EncodeToString(key[:]), dir}
}

func (t transfer) String() string {
	if t.dir == "" {
		return prefix + t.key
	}
	return prefix + t.key + "." + base64.RawURLEncoding.EncodeToString([]byte(t.dir))
}

func parseTransfer(id string) (transfer, error) {
	rest, ours := strings.CutPrefix(id, prefix)
	key, dir, below := strings.Cut(rest, ".")
	random, err := hex.DecodeString(key)
	decoded, derr := base64.RawURLEncoding.Strict().DecodeString(dir)
	if !ours || err != nil || len(random) != 16 || derr != nil || below && len(decoded) == 0 {
		return transfer{}, gateway.Refuse(gateway.InvalidRequest, "%q is not a transfer id: the POST that starts a transfer returns it", id)
	}
	return transfer{hex.EncodeToString(random), string(decoded)}, nil
}

// clientID is by what the transfer is found.
func (t transfer) clientID() string { return "filepond:" + t.key }

// chunk is what a PATCH says.
type chunk struct {
	transfer
	name   string
	offset int64
	total  int64 // bytes of the file
	length int64 // of this chunk; -1 where it is not said
}

func parse(r *http.Request) (chunk, error) {
	t, err := parseTransfer(r.URL.Query().Get("patch"))
	c := chunk{transfer: t, name: r.Header.Get("Upload-Name"), length: r.ContentLength}
	if err == nil {
		c.offset, err = dialect.HeaderNumber(r.Header, "Upload-Offset")
	}
	if err == nil {
		c.total, err = dialect.HeaderNumber(r.Header, "Upload-Length")
	}
	switch {
	case err != nil:
		return c, err
	case c.name == "" || !utf8.ValidString(c.name):
		return c, gateway.Refuse(gateway.InvalidRequest, "the header Upload-Name must be the file's name in UTF-8, not %q", c.name)
	case c.offset > c.total || c.length > c.total-c.offset:
		return c, gateway.Refuse(gateway.InvalidRequest, "a chunk of %d bytes at %d is outside the file's %d bytes", c.length, c.offset, c.total)
	}
	return c, nil
}

// file is what the chunk is a piece of. The chunk size is what HEAD rounds to.
func (c chunk) file(at dialect.Place) (dialect.File, error) {
	path, dirs, err := place(at, c.dir, c.name)
	f := dialect.File{Path: path, ID: c.clientID(), Once: true, Size: c.total, MakeDirs: dirs}
	if c.offset == 0 || c.offset+c.length < c.total {
		f.ChunkSize = max(c.length, 0)
	}
	return f, err
}

// place is where a file of that name belongs, in a directory below the upload's.
func place(at dialect.Place, dir, name string) (file string, dirs bool, err error) {
	if file, err = at.Named(name); err != nil || dir == "" {
		return file, false, err
	}
	return at.Below(dir + "/" + name)
}

// directory is that of the metadata's relativePath, which ends with the file's name: not
// always the one that it is sent under.
func directory(f dialect.Fields) (string, error) {
	for _, name := range slices.Sorted(maps.Keys(f)) {
		var metadata struct {
			RelativePath string `json:"relativePath"`
		}
		if json.Unmarshal([]byte(f[name]), &metadata) == nil && metadata.RelativePath != "" {
			dir, _ := path.Split(metadata.RelativePath)
			return strings.Trim(dir, "/"), web.ExactJSON([]byte(f[name]))
		}
	}
	return "", nil
}
