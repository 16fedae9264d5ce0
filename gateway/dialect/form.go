package dialect

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"

	"sftpgate/gateway"
	"sftpgate/gateway/web"
)

// maxHeld bounds a chunk, in bytes, whose fields come behind it.
const maxHeld = 1 << 30

// Fields are the values that a request gives by name, in its form or its query; a
// form's count. Of a name that is there several times the first one counts.
type Fields map[string]string

// FieldsOf are those of r's query.
func FieldsOf(r *http.Request) Fields {
	f := Fields{}
	for name, values := range r.URL.Query() {
		f[name] = values[0]
	}
	return f
}

// Number reads a field of decimal digits.
func (f Fields) Number(name string) (int64, error) {
	text, there := f[name]
	if !there {
		return 0, gateway.Refuse(gateway.InvalidRequest, "the field %s is missing", name)
	}
	n, ok := web.Number(text)
	if !ok {
		return 0, gateway.Refuse(gateway.InvalidRequest, "the field %s must be a number, not %q", name, text)
	}
	return n, nil
}

// Sent is a file, or a piece of one, on its way in. Close ends it.
type Sent struct {
	Fields Fields
	// Name is the file's name as the part gives it; "" without one.
	Name string

	gate Gate
	c    gateway.Caller
	in   *counted
	form *web.Form     // nil: the body is the file itself
	held *gateway.Held // nil: it is read while it arrives
	next *web.Part     // the file that follows in the form
}

// counted knows how much of a file has been read.
type counted struct {
	r io.Reader
	n int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// Len is the file's length in bytes once all of it has arrived: that of one which is
// held, or which was received without an error.
func (s *Sent) Len() int64 {
	if s.held != nil {
		return s.held.Len
	}
	return s.in.n
}

// Held reports whether all of the file has arrived before its place is known.
func (s *Sent) Held() bool { return s.held != nil }

// ErrNoFile refuses a form without a file.
var ErrNoFile = gateway.Refuse(gateway.InvalidRequest, "the form has no file: none of its parts has a file name")

// Raw is r's body as it is, with the fields of the query.
func (g Gate) Raw(r *http.Request, c gateway.Caller) *Sent {
	return &Sent{Fields: FieldsOf(r), gate: g, c: c, in: &counted{r: r.Body}}
}

// ReadForm reads r's multipart form up to its file, the first part that has a file's
// name; it is streamed on from there. Where enough says that the fields before it do
// not tell where it belongs, it is held on the host until all fields are there; nil:
// they always do. Where there is no file, what is returned with ErrNoFile has the fields.
func (g Gate) ReadForm(r *http.Request, c gateway.Caller, at Place, enough func(Fields) bool) (*Sent, error) {
	form, err := web.NewForm(r, web.FormLimits{})
	if err != nil {
		return nil, err
	}
	s := &Sent{Fields: FieldsOf(r), gate: g, c: c, form: form}
	seen := map[string]bool{}
	part, err := s.fields(seen)
	switch {
	case errors.Is(err, io.EOF):
		return s, ErrNoFile
	case err != nil:
		return nil, err
	}
	s.begin(part)
	if enough == nil || enough(s.Fields) {
		return s, nil
	}
	if s.held, err = g.Hold(r.Context(), c, at.Host, at.Dir, part, maxHeld); err != nil {
		return nil, err
	}
	for err == nil { // files that follow are not asked for
		_, err = s.fields(seen)
	}
	if !errors.Is(err, io.EOF) {
		s.Close(r.Context())
		return nil, err
	}
	return s, nil
}

// Hold takes the file to the host before it is decided where it belongs.
func (s *Sent) Hold(ctx context.Context, at Place) error {
	held, err := s.gate.Hold(ctx, s.c, at.Host, at.Dir, s.in, maxHeld)
	if err == nil {
		s.held = held
		_, err = s.rest(gateway.Upload{}, nil)
	}
	return err
}

func (s *Sent) begin(part *web.Part) {
	s.Name, s.in = fileName(part.FileName), &counted{r: part}
}

// quoting is how browsers and curl write a name between quotes in a part's header:
// with these three escaped, and nothing else, the percent sign neither.
var quoting = strings.NewReplacer("%22", `"`, "%0D", "\r", "%0A", "\n")

// fileName is the file's own name.
func fileName(sent string) string { return quoting.Replace(sent) }

// fields reads the fields up to the next file; io.EOF at the form's end.
func (s *Sent) fields(seen map[string]bool) (*web.Part, error) {
	for {
		part, err := s.form.Next()
		if err != nil || part.File {
			return part, err
		}
		text, err := part.Text()
		if err != nil {
			return nil, err
		}
		if !seen[part.Name] {
			seen[part.Name], s.Fields[part.Name] = true, text
		}
	}
}

// Receive brings the file's bytes to an upload, at b.Off.
func (s *Sent) Receive(ctx context.Context, to Session, b gateway.Body) (gateway.Upload, error) {
	if s.held != nil {
		u, err := s.held.Place(ctx, to.ID, b.Off)
		return u, to.judge(err)
	}
	b.R = s.in
	u, err := s.gate.Receive(ctx, s.c, to.ID, b)
	return s.rest(u, to.judge(err))
}

// ReceiveChunk brings them as a chunk of that index, counted from 0.
func (s *Sent) ReceiveChunk(ctx context.Context, to Session, index int64, b gateway.Body) (gateway.Upload, error) {
	if s.held != nil {
		u, err := s.held.PlaceChunk(ctx, to.ID, index)
		return u, to.judge(err)
	}
	b.R = s.in
	u, err := s.gate.ReceiveChunk(ctx, s.c, to.ID, index, b)
	return s.rest(u, to.judge(err))
}

// Put brings them as a whole file and returns when it is published. An unfinished
// upload of another file there is given up for it.
func (s *Sent) Put(ctx context.Context, at Place, path string, makeDirs bool) (gateway.Upload, error) {
	o := at.Options
	o.MakeDirs = o.MakeDirs || makeDirs
	done, err := s.gate.PutFile(ctx, s.c, gateway.PutRequest{Host: at.Host, Path: path, Options: o, Size: -1, Restart: true,
		R: s.in, Patience: s.gate.Wait})
	return s.rest(done.Upload, err)
}

// rest reads what follows the file in its form up to the next file, so that the
// connection can be kept. It means nothing: the file came whole.
func (s *Sent) rest(u gateway.Upload, err error) (gateway.Upload, error) {
	s.next = nil
	for end := err; end == nil && s.form != nil && s.next == nil; {
		var part *web.Part
		if part, end = s.form.Next(); end == nil && part.File {
			s.next = part
		}
	}
	return u, err
}

// Next goes on to the next file of the form, with the fields of the first one, once
// that has been received; it reports whether there is one.
func (s *Sent) Next() bool {
	if s.next == nil {
		return false
	}
	s.begin(s.next)
	s.next = nil
	return true
}

// As makes it that of another caller, where only the fields say whose it is. What is
// held is the caller's that ReadForm was told.
func (s *Sent) As(c gateway.Caller) { s.c = c }

// Close gives up what is held.
func (s *Sent) Close(ctx context.Context) {
	if s.held != nil {
		s.held.Drop(ctx)
	}
}
