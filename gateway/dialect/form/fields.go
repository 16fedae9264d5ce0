package form

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"

	"sftpgate/gateway"
	"sftpgate/gateway/dialect"
	"sftpgate/gateway/web"
)

// maxFields bounds a form without a file, in bytes.
const maxFields = 64 << 10

// file is what the fields say of the file.
func file(at dialect.Place, f dialect.Fields) (dialect.File, error) {
	path, err := at.Named(f["filename"])
	if err != nil {
		return dialect.File{}, err
	}
	size, err := chunkSize(f)
	return dialect.File{Path: path, ID: dialect.HashID("form", path, f["file_id"]), Size: -1, ChunkSize: size}, err
}

// chunkSize is what the page says of it; 0 where it says nothing.
func chunkSize(f dialect.Fields) (int64, error) {
	if _, said := f["chunk_size"]; !said {
		return 0, nil
	}
	size, err := f.Number("chunk_size")
	if err == nil && size == 0 {
		err = gateway.Refuse(gateway.InvalidRequest, "chunk_size must be at least 1 byte")
	}
	return size, err
}

// fieldsOf reads a form without a file: its fields stand in the body, of either kind,
// or in the query.
func fieldsOf(r *http.Request) (dialect.Fields, error) {
	f := dialect.FieldsOf(r)
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch kind {
	case "multipart/form-data":
		return f, addParts(f, r)
	case "application/x-www-form-urlencoded":
		return f, addBody(f, r)
	}
	return f, nil
}

func addParts(f dialect.Fields, r *http.Request) error {
	form, err := web.NewForm(r, web.FormLimits{Fields: maxFields})
	if err != nil {
		return err
	}
	for {
		part, err := form.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if f[part.Name], err = part.Text(); err != nil {
			return err
		}
	}
}

func addBody(f dialect.Fields, r *http.Request) error {
	text, err := io.ReadAll(io.LimitReader(r.Body, maxFields+1))
	if err != nil {
		return err
	}
	if len(text) > maxFields {
		return gateway.Refuse(gateway.TooLarge, "the form is longer than %d bytes", maxFields)
	}
	values, err := url.ParseQuery(string(text))
	if err != nil {
		return gateway.Refuse(gateway.InvalidRequest, "the form cannot be read: %w", err)
	}
	for name, list := range values {
		f[name] = list[0]
	}
	return nil
}
