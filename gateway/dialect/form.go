package dialect

import (
	"errors"
	"io"
	"net/http"
	"strings"

	"sftpgate/gateway"
	"sftpgate/gateway/access"
	"sftpgate/gateway/web"
)

// ErrNoFile refuses a form without a file.
var ErrNoFile = gateway.Refuse(gateway.InvalidRequest, "the form has no file: no part has a file name")

// Raw is r's body as it is, with the fields of the query.
func (g Gate) Raw(r *http.Request, c access.Caller) (*Sent, error) {
	if err := web.CheckRaw(r); err != nil {
		return nil, err
	}
	return &Sent{Fields: FieldsOf(r), gate: g, c: c, in: &counted{r: r.Body}}, nil
}

// IsForm reports whether r's body is a multipart form.
func IsForm(r *http.Request) bool {
	return web.Multipart(r.Header.Get("Content-Type"))
}

// ReadFile is ReadForm where r's body is a form, and Raw where it is not.
func (g Gate) ReadFile(r *http.Request, c access.Caller, at Place, enough func(Fields) bool) (*Sent, error) {
	if IsForm(r) {
		return g.ReadForm(r, c, at, enough)
	}
	return g.Raw(r, c)
}

// ReadForm reads r's multipart form up to its file, the first part that has a file's
// name; it is streamed on from there. Where enough says that the fields before it do
// not tell where it belongs, it is held on the host until all fields are there; nil:
// they always do. Where there is no file, what is returned with ErrNoFile has the fields.
func (g Gate) ReadForm(r *http.Request, c access.Caller, at Place, enough func(Fields) bool) (*Sent, error) {
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

func (s *Sent) begin(part *web.Part) {
	s.Name, s.in = quoting.Replace(part.FileName), &counted{r: part}
}

// quoting is how browsers and curl write a name between quotes in a part's header:
// with these three escaped, and nothing else, the percent sign neither.
var quoting = strings.NewReplacer("%22", `"`, "%0D", "\r", "%0A", "\n")

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
