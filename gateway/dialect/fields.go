package dialect

import (
	"net/http"

	"sftpgate/gateway"
	"sftpgate/gateway/web"
)

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

// HeaderNumber reads a header of decimal digits that must be there.
func HeaderNumber(h http.Header, name string) (int64, error) {
	n, ok := web.Number(h.Get(name))
	if !ok {
		return 0, gateway.Refuse(gateway.InvalidRequest, "the header %s must be a number, not %q", name, h.Get(name))
	}
	return n, nil
}
