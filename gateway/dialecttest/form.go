package dialecttest

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strings"
	"testing"
)

// Field is one of a form; with File it is a file of that name.
type Field struct {
	Name, Value string
	File        *string
}

// quoting is what browsers escape in a name between quotes.
var quoting = strings.NewReplacer(`"`, "%22", "\r", "%0D", "\n", "%0A")

// Post sends a form as browsers write it.
func Post(t testing.TB, url, user string, fields ...Field) Answer {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for _, f := range fields {
		h := textproto.MIMEHeader{"Content-Disposition": {`form-data; name="` + quoting.Replace(f.Name) + `"`}}
		if f.File != nil {
			h.Set("Content-Disposition", h.Get("Content-Disposition")+`; filename="`+quoting.Replace(*f.File)+`"`)
			h.Set("Content-Type", "application/octet-stream")
		}
		part, err := form.CreatePart(h)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = part.Write([]byte(f.Value))
	}
	_ = form.Close()
	r, err := http.NewRequest("POST", url, &body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", form.FormDataContentType())
	return Do(t, r, user)
}
