package web_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sftpgate/gateway"
	"sftpgate/gateway/web"
)

// sum reads a form and answers with a line for every part.
func sum(w http.ResponseWriter, r *http.Request) error {
	f, err := web.NewForm(r, web.FormLimits{})
	if err != nil {
		return err
	}
	var got []string
	for {
		p, err := f.Next()
		if errors.Is(err, io.EOF) {
			return web.Reply(w, r, 200, got)
		}
		if err != nil {
			return err
		}
		if p.File {
			n, err := io.Copy(io.Discard, p)
			if err != nil {
				return fmt.Errorf("store: %w", err)
			}
			got = append(got, fmt.Sprintf("%s %q %d", p.Name, p.FileName, n))
			continue
		}
		text, err := p.Text()
		if err != nil {
			return err
		}
		got = append(got, p.Name+"="+text)
	}
}

// form posts a raw form with the boundary B.
func form(t *testing.T, s site, body string) (*http.Response, string) {
	t.Helper()
	return do(t, "POST", s.URL, strings.NewReader(strings.ReplaceAll(body, "\n", "\r\n")), "Content-Type", "multipart/form-data; boundary=B")
}

func TestFormIsReadInTheOrderItComes(t *testing.T) {
	s := serve(t, web.Options{}, web.HandlerFunc(sum))
	pr, pw := io.Pipe()
	mw := multipart.NewWriter(pw)
	go func() {
		part, _ := mw.CreateFormFile("file", `../ü"x.bin`)
		piece := make([]byte, 1<<20)
		for range 4 {
			if _, err := part.Write(piece); err != nil {
				return
			}
		}
		_ = mw.WriteField("filename", "after the file")
		_ = mw.Close()
		pw.Close()
	}()
	res, body := do(t, "POST", s.URL, pr, "Content-Type", mw.FormDataContentType())
	if want := `["file \"../ü\\\"x.bin\" 4194304","filename=after the file"]` + "\n"; res.StatusCode != 200 || body != want {
		t.Fatalf("%d %s", res.StatusCode, body)
	}
	if res.Close {
		t.Error("the connection is lost although the whole form was read")
	}
}

func TestFormDoesNotGrowWithTheFile(t *testing.T) {
	r := httptest.NewRequest("POST", "/", io.MultiReader(
		strings.NewReader("--B\r\nContent-Disposition: form-data; name=f; filename=x\r\n\r\n"),
		io.LimitReader(zeros{}, 16<<20), strings.NewReader("\r\n--B--\r\n")))
	r.Header.Set("Content-Type", "multipart/form-data; boundary=B")
	f, err := web.NewForm(r, web.FormLimits{})
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	p, err := f.Next()
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, p); n != 16<<20 || err != nil {
		t.Fatal(n, err)
	}
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 {
		t.Fatalf("%d bytes allocated for a streamed file", used)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestFormRefuses(t *testing.T) {
	s := serve(t, web.Options{}, web.HandlerFunc(sum))
	field := "--B\nContent-Disposition: form-data; name=a\n\n"
	for name, c := range map[string]struct {
		body string
		code gateway.Code
	}{
		"no closing boundary":   {field + "value", gateway.InvalidRequest},
		"cut between parts":     {field + "v\n--B\n", gateway.InvalidRequest},
		"cut after a part":      {field + "v\n--B", gateway.InvalidRequest},
		"nothing":               {"", gateway.InvalidRequest},
		"no boundary at all":    {strings.Repeat("x\n", 50_000), gateway.InvalidRequest},
		"a cut file":            {"--B\nContent-Disposition: form-data; name=f; filename=x\n\nhalf of i", gateway.InvalidRequest},
		"10,000 parts":          {strings.Repeat(field+"v\n", 10_000) + "--B--\n", gateway.InvalidRequest},
		"a header without end":  {"--B\nX: " + strings.Repeat("x", 1<<20), gateway.InvalidRequest},
		"a thousand headers":    {"--B\n" + strings.Repeat("X-Y: "+strings.Repeat("z", 100)+"\n", 1000) + "\n--B--\n", gateway.InvalidRequest},
		"a nameless part":       {"--B\n\nvalue\n--B--\n", gateway.InvalidRequest},
		"an attachment":         {"--B\nContent-Disposition: attachment; name=a\n\nv\n--B--\n", gateway.InvalidRequest},
		"a field without end":   {field + strings.Repeat("v", 100<<10) + "\n--B--\n", gateway.TooLarge},
		"many big fields":       {strings.Repeat(field+strings.Repeat("v", 60<<10)+"\n", 6) + "--B--\n", gateway.TooLarge},
		"a file in Base64":      {"--B\nContent-Disposition: form-data; name=f; filename=x\nContent-Transfer-Encoding: BASE64\n\neA==\n--B--\n", "unsupported-media-type"},
		"a form within a form":  {"--B\nContent-Disposition: form-data; name=f; filename=x\nContent-Type: multipart/mixed; boundary=C\n\n--C--\n--B--\n", "unsupported-media-type"},
		"text before the parts": {strings.Repeat("hello\n", 10_000) + field + "v\n--B--\n", gateway.InvalidRequest},
	} {
		t.Run(name, func(t *testing.T) {
			res, body := form(t, s, c.body)
			if p := problem(t, res, body); p["code"] != string(c.code) {
				t.Fatalf("%d %s", res.StatusCode, body)
			}
		})
	}
	// The last line may come without a line break.
	if res, body := form(t, s, field+"v\n--B--"); res.StatusCode != 200 || body != "[\"a=v\"]\n" {
		t.Errorf("%d %s", res.StatusCode, body)
	}
	for _, kind := range []string{"", "text/plain", "multipart/form-data", "multipart/mixed; boundary=B", "multipart/form-data; boundary=" + strings.Repeat("b", 71)} {
		if res, body := do(t, "POST", s.URL, strings.NewReader("--B--\r\n"), "Content-Type", kind); res.StatusCode != 400 {
			t.Errorf("%q: %d %s", kind, res.StatusCode, body)
		}
	}
}

func TestStalledFormIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, client := protocolSite(t, "HTTP/1.1", web.Options{Idle: 150 * time.Millisecond}, web.HandlerFunc(sum))
		c := line(t, client)
		fmt.Fprintf(c, "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\nContent-Type: multipart/form-data; boundary=B\r\n\r\n"+
			"--B\r\nContent-Disposition: form-data; name=f; filename=x\r\n\r\nabc")
		if res := answer(t, c); res.StatusCode != 408 {
			t.Fatal(res.Status)
		}
	})
}

func FuzzForm(f *testing.F) {
	f.Add([]byte("--B\r\nContent-Disposition: form-data; name=a\r\n\r\nv\r\n--B\r\nContent-Disposition: form-data; name=f; filename=\"x\"\r\n\r\nbytes\r\n--B--\r\n"))
	f.Add([]byte("--B\r\n\r\n--B--"))
	f.Add([]byte("preamble\r\n--B\r\nContent-Disposition: form-data; name*=utf-8''a\r\n\r\n\r\n--B--\r\nepilogue"))
	f.Fuzz(func(t *testing.T, body []byte) {
		r := httptest.NewRequest("POST", "/", bytes.NewReader(body))
		r.Header.Set("Content-Type", "multipart/form-data; boundary=B")
		form, err := web.NewForm(r, web.FormLimits{Parts: 8})
		if err != nil {
			t.Fatal(err)
		}
		for n := 0; ; n++ {
			p, err := form.Next()
			if err == nil && p.File {
				_, err = io.Copy(io.Discard, p)
			} else if err == nil {
				_, err = p.Text()
			}
			if err == nil {
				if n > 8 {
					t.Fatal("more parts than allowed")
				}
				continue
			}
			var broken *web.BodyError
			if !errors.Is(err, io.EOF) && !errors.As(err, &broken) && gateway.CodeOf(err) == "" {
				t.Fatalf("neither the end nor a refusal: %v", err)
			}
			return
		}
	})
}
