package web

import (
	"bufio"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"

	"sftpgate/gateway"
)

// FormLimits bound what a multipart form may cost. Zero means the default.
type FormLimits struct {
	Parts  int   // parts in one form; default 64
	Header int   // bytes of one part's header; default 16 KiB
	Field  int64 // bytes of one field that is read as text; default 64 KiB
	Fields int64 // bytes of all of them; default 256 KiB
}

// Form reads a multipart/form-data body part by part as it arrives; nothing is
// kept in memory or on disk. Files may come before or after the fields.
type Form struct {
	in     *meter
	parts  *multipart.Reader
	limits FormLimits
	count  int
	fields int64
	part   *Part
}

// Part is one part of a Form; it is read before the next one is asked for.
type Part struct {
	// Name is the field's name.
	Name string
	// FileName is the name as the client sent it, with whatever is in it.
	FileName string
	// File says that the part has a file name (which may be empty).
	File bool

	form *Form
	in   *multipart.Part
}

// NewForm begins to read r's body; it refuses what is no multipart/form-data.
func NewForm(r *http.Request, l FormLimits) (*Form, error) {
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" || params["boundary"] == "" || len(params["boundary"]) > 70 {
		return nil, gateway.Refuse(gateway.InvalidRequest, "the body must be multipart/form-data with a boundary")
	}
	if l.Parts == 0 {
		l.Parts = 64
	}
	if l.Header == 0 {
		l.Header = 16 << 10
	}
	if l.Field == 0 {
		l.Field = 64 << 10
	}
	if l.Fields == 0 {
		l.Fields = 256 << 10
	}
	// mime/multipart reads 4 KiB at a time; the buffer below it asks the connection for more.
	in := &meter{r: bufio.NewReaderSize(r.Body, 32<<10), limit: -1}
	return &Form{in: in, parts: multipart.NewReader(in, params["boundary"]), limits: l}, nil
}

// Next skips what is left of the part before and begins the next one; io.EOF
// after the closing boundary.
func (f *Form) Next() (*Part, error) {
	if f.part != nil {
		if _, err := io.Copy(io.Discard, f.part); err != nil {
			return nil, err
		}
		f.part = nil
	}
	// mime/multipart itself would keep 10 MB of header. Its own buffer reads up to
	// 4 KiB ahead, which belong to the part's content.
	f.in.limit = int64(f.limits.Header) + 4096
	p, err := f.parts.NextRawPart()
	f.in.limit = -1
	if errors.Is(err, io.EOF) {
		// What follows the closing boundary means nothing; the end of a chunked body
		// stands there, and once seen the connection can be kept.
		_, _ = io.CopyN(io.Discard, f.in, 4096)
		return nil, io.EOF
	}
	if err != nil {
		return nil, explainForm(err, f.limits)
	}
	if f.count++; f.count > f.limits.Parts {
		return nil, gateway.Refuse(gateway.InvalidRequest, "the form has more than %d parts", f.limits.Parts)
	}
	disposition, params, err := mime.ParseMediaType(p.Header.Get("Content-Disposition"))
	if err != nil || disposition != "form-data" {
		return nil, gateway.Refuse(gateway.InvalidRequest, "a part of the form has no Content-Disposition: form-data")
	}
	f.part = &Part{Name: params["name"], form: f, in: p}
	// Part.FileName would cut the name down to its last component: what a client
	// asked for is judged behind, not mended here.
	f.part.FileName, f.part.File = params["filename"]
	if err := f.part.plain(); err != nil {
		return nil, err
	}
	return f.part, nil
}

// plain refuses a file that is wrapped in the form once more: NextRawPart undoes nothing.
func (p *Part) plain() error {
	if !p.File {
		return nil
	}
	if kind := p.in.Header.Get("Content-Type"); Multipart(kind) {
		return gateway.Refuse(UnsupportedMediaType, "the file in the form is itself a form (%q): send each file as a separate part", kind)
	}
	switch e := strings.ToLower(p.in.Header.Get("Content-Transfer-Encoding")); e {
	case "", "binary", "8bit", "7bit":
		return nil
	default:
		return gateway.Refuse(UnsupportedMediaType, "Content-Transfer-Encoding %q is not supported; send the file's raw bytes", e)
	}
}

// Read reads the part's content; io.EOF once its closing boundary was seen, so
// that a part which was cut off is never taken for a whole one.
func (p *Part) Read(b []byte) (int, error) {
	n, err := p.in.Read(b)
	if err == nil || errors.Is(err, io.EOF) {
		return n, err
	}
	return n, explainForm(err, p.form.limits)
}

// Text reads the whole part as a field's value, within the form's limits.
func (p *Part) Text() (string, error) {
	limit := min(p.form.limits.Field, p.form.limits.Fields-p.form.fields)
	b, err := io.ReadAll(io.LimitReader(p, limit+1))
	if err != nil {
		return "", err
	}
	if int64(len(b)) > limit {
		return "", gateway.Refuse(gateway.TooLarge, "the form's field %q is too long", p.Name)
	}
	p.form.fields += int64(len(b))
	return string(b), nil
}

// explainForm keeps the refusal of a body that broke off and makes one of
// everything else that mime/multipart finds.
func explainForm(err error, l FormLimits) error {
	var body *BodyError
	switch {
	case errors.As(err, &body):
		return body
	case errors.Is(err, errLongHeader), errors.Is(err, multipart.ErrMessageTooLarge), errors.Is(err, bufio.ErrBufferFull):
		return gateway.Refuse(gateway.InvalidRequest, "a part's header is longer than %d bytes", l.Header)
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return &BodyError{Err: io.ErrUnexpectedEOF}
	}
	return gateway.Refuse(gateway.InvalidRequest, "the multipart form cannot be read: %w", err)
}

var errLongHeader = errors.New("header too long")

// meter stops reading after limit bytes; a negative limit is none.
//
// It ends with io.ErrUnexpectedEOF: mime/multipart gives a bare io.EOF also for
// a form that ends after an opening boundary, and with this what is left of
// io.EOF means that the closing boundary was seen. The line break before it is
// for forms whose last line has none.
type meter struct {
	r     io.Reader
	limit int64
	ended bool
}

func (m *meter) Read(p []byte) (int, error) {
	if m.limit == 0 {
		return 0, errLongHeader
	}
	if m.limit > 0 {
		p = p[:min(int64(len(p)), m.limit)]
	}
	if m.ended {
		return 0, io.ErrUnexpectedEOF
	}
	n, err := m.r.Read(p)
	if n == 0 && errors.Is(err, io.EOF) {
		m.ended = true
		return copy(p, "\r\n"), nil
	}
	if m.limit > 0 {
		m.limit -= int64(n)
	}
	if errors.Is(err, io.EOF) {
		err = nil // comes again with the next read
	}
	return n, err
}
