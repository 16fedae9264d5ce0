package panel

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"path"
	"strconv"
	"strings"

	"sftpgate/gateway"
	"sftpgate/gateway/dialect"
	"sftpgate/gateway/web"
)

const (
	// maxJSON bounds the body of a call, in bytes.
	maxJSON = 64 << 10
	// usualChunk is how long chunks are where nobody says.
	usualChunk = 10 << 20
)

// fieldsOf reads a call's JSON object and its query; the object counts. Numbers may be
// sent as strings, and what is unknown is the panel's own.
func fieldsOf(r *http.Request) (dialect.Fields, error) {
	f := dialect.FieldsOf(r)
	text, err := web.JSONText(r, maxJSON)
	if err != nil {
		return f, err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var sent map[string]any
	err = d.Decode(&sent)
	switch {
	case errors.Is(err, io.EOF): // all is in the query
		return f, nil
	case err != nil:
		return f, gateway.Refuse(gateway.InvalidRequest, "the body must be a JSON object: %w", err)
	}
	for name, value := range sent {
		switch v := value.(type) {
		case string:
			f[name] = v
		case json.Number:
			f[name] = v.String()
		case bool:
			f[name] = strconv.FormatBool(v)
		}
	}
	return f, nil
}

// target is the file that a call is about.
type target struct {
	dialect.Place
	dialect.File
}

// targetOf reads it from the fields. Of the file there may be any number of uploads, one
// after the other; only the status knows, by hash_code, whether it is the same.
func targetOf(r *http.Request, f dialect.Fields) (target, error) {
	full := f["full_path"]
	if f["host_id"] == "" || full == "" {
		return target{}, gateway.Refuse(gateway.InvalidRequest, "host_id and full_path are required")
	}
	if err := gateway.CheckPath(full); err != nil || full == "/" {
		return target{}, gateway.Refuse(gateway.InvalidRequest, "full_path must be the absolute path of a file without . and .., not %q", full)
	}
	r.SetPathValue("host", f["host_id"])
	r.SetPathValue("dir", path.Dir(full))
	at, err := dialect.PlaceOf(r)
	if err != nil {
		return target{}, err
	}
	if err := overwrite(&at.Options, f); err != nil {
		return target{}, err
	}
	size, err := chunkSize(f)
	id := dialect.HashID("panel", full)
	return target{at, dialect.File{Path: full, ID: id, Content: content(id, f["hash_code"]), Size: -1, ChunkSize: size}}, err
}

// content tells the file from another one of that path.
func content(id, hash string) string {
	if hash == "" {
		return ""
	}
	return dialect.HashID(id, hash)
}

// overwrite reads what is to become of a file that stands there from where a panel's
// page says it: the query has been read.
func overwrite(o *gateway.Options, f dialect.Fields) error {
	word := f["if_exists"]
	if text, said := f["overwrite"]; said && word == "" {
		yes, err := web.ParseFlag("overwrite", text)
		if err != nil {
			return err
		}
		if yes {
			word = string(gateway.ReplaceIfExists)
		}
	}
	var err error
	o.IfExists, err = web.ParseIfExists(word, o.IfMatch)
	return err
}

// chunkSize is what is said of it; 0 where nothing is.
func chunkSize(f dialect.Fields) (int64, error) {
	if f["chunk_size"] == "" {
		return 0, nil
	}
	size, err := f.Number("chunk_size")
	if err == nil && size == 0 {
		err = gateway.Refuse(gateway.InvalidRequest, "chunk_size must be at least 1 byte")
	}
	return size, err
}

// tmpPath is what the person's upload is called towards a page.
func tmpPath(u gateway.Upload) string {
	dir, name := path.Split(u.Path)
	return dir + "." + name + ".sftpgate/" + u.ID
}

// sameTmpPath reports whether a page means that upload. It may end with a slash, as the
// path of a directory.
func sameTmpPath(said string, u gateway.Upload) bool {
	return said == "" || strings.TrimSuffix(said, "/") == tmpPath(u)
}
