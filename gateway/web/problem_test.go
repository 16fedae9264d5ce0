package web_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"sftpgate/gateway"
	"sftpgate/gateway/web"
)

// codes reads the codes out of the source that declares them, so that a new one cannot be forgotten.
func codes(t *testing.T) []gateway.Code {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../errors.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var found []gateway.Code
	ast.Inspect(file, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok {
			if name, ok := v.Type.(*ast.Ident); ok && name.Name == "Code" {
				text, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				found = append(found, gateway.Code(text))
			}
		}
		return true
	})
	if len(found) < 20 {
		t.Fatalf("only %d codes found", len(found))
	}
	return found
}

func TestEveryCodeHasAStatus(t *testing.T) {
	for _, c := range codes(t) {
		p := web.Explain(fmt.Errorf("wrapped: %w", gateway.Refuse(c, "why")))
		if p.Code != c || p.Status < 400 || p.Status == 500 || p.Title == "" || p.Detail != "why" {
			t.Errorf("%s: %+v", c, p)
		}
		if p.Status == 503 && p.RetryAfter <= 0 {
			t.Errorf("%s: no Retry-After", c)
		}
	}
	if p := web.Explain(gateway.Refuse("made-up", "secret")); p.Status != 500 || strings.Contains(p.Detail, "secret") {
		t.Errorf("%+v", p)
	}
	if p := web.Explain(context.Canceled); p.Status != 499 {
		t.Errorf("%+v", p)
	}
}

// Whatever a service makes of a body that did not come, it is the client's to
// send again; what the service says of the bytes it kept is passed on.
func TestCutBodiesAreNeverTheHostsFault(t *testing.T) {
	stalled := &web.BodyError{Stalled: true, Err: io.ErrNoProgress}
	slow := &web.BodyError{Slow: true, Err: io.ErrNoProgress}
	for _, c := range []struct {
		err    error
		status int
		detail string
	}{
		{fmt.Errorf("fill: %w", stalled), 408, "the body stalled"},
		{gateway.Refuse(gateway.HostError, "write failed: %w", stalled), 408, "the body stalled"},
		{&gateway.Error{Code: gateway.InvalidRequest, Detail: "5 bytes are kept", Err: stalled}, 408, "the body stalled; 5 bytes are kept"},
		{fmt.Errorf("fill: %w", slow), 408, "the body arrived too slowly; send it again"},
		{&gateway.Error{Code: gateway.InvalidRequest, Detail: "5 bytes are kept", Err: slow}, 408, "the body arrived too slowly; 5 bytes are kept"},
		{&gateway.Error{Code: gateway.InvalidRequest, Detail: "5 bytes are kept", Err: &web.BodyError{Err: io.ErrUnexpectedEOF}}, 400, "5 bytes are kept"},
	} {
		if p := web.Explain(c.err); p.Status != c.status || !strings.Contains(p.Detail, c.detail) {
			t.Errorf("%v: %+v", c.err, p)
		}
	}
}

func TestProblemCarriesWhatTheClientNeeds(t *testing.T) {
	mtime := time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600))
	refusals := map[string]*gateway.Error{
		"/exists":  {Code: gateway.TargetExists, Detail: "<b>", Existing: &gateway.Existing{Size: 0, MTime: mtime, ETag: `"0-1"`}},
		"/missing": {Code: gateway.Incomplete, Missing: [][2]int64{{0, 5}, {9, 12}}},
		"/later":   {Code: gateway.TooMany, RetryAfter: 1500 * time.Millisecond},
		"/other":   {Code: gateway.DifferentFile, Upload: &gateway.Upload{ID: "u1", Size: -1, Error: &gateway.Error{Code: gateway.NoSpace}}},
		"/cause":   {Code: gateway.HostError, Detail: "failed", Err: errors.New("password=hunter2")},
	}
	s := serve(t, web.Options{}, web.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) error { return refusals[r.URL.Path] }))
	for path, want := range map[string]string{
		"/exists":  `{"type":"urn:sftpgate:problem:target-exists","title":"The target already exists","status":409,"detail":"<b>","code":"target-exists","retryable":false,"size":0,"mtime":"2026-01-02T02:04:05Z","etag":"\"0-1\""}`,
		"/missing": `{"type":"urn:sftpgate:problem:incomplete","title":"Parts of the file are missing","status":409,"detail":"","code":"incomplete","retryable":true,"missing":[[0,5],[9,12]]}`,
		"/cause":   `{"type":"urn:sftpgate:problem:host-error","title":"The host answered with an error","status":502,"detail":"failed","code":"host-error","retryable":true}`,
	} {
		if _, body := do(t, "GET", s.URL+path, nil); body != want+"\n" {
			t.Errorf("%s:\n%s\n%s", path, body, want)
		}
	}
	s.waitLog(t, "hunter2")
	if res, _ := do(t, "GET", s.URL+"/later", nil); res.Header.Get("Retry-After") != "2" {
		t.Errorf("Retry-After %q", res.Header.Get("Retry-After"))
	}
	_, body := do(t, "GET", s.URL+"/other", nil)
	var p struct {
		Upload struct {
			ID    string `json:"id"`
			Error struct {
				Code string `json:"code"`
			} `json:"error"`
		} `json:"upload"`
	}
	if err := json.Unmarshal([]byte(body), &p); err != nil || p.Upload.ID != "u1" || p.Upload.Error.Code != "no-space" {
		t.Errorf("%v %s", err, body)
	}
	if res, body := do(t, "HEAD", s.URL+"/missing", nil); res.StatusCode != 409 || body != "" {
		t.Errorf("HEAD: %d %q", res.StatusCode, body)
	}
}

func TestDecodeJSONIsStrict(t *testing.T) {
	type box struct {
		Size *int64 `json:"size"`
		Deep bool   `json:"deep"`
	}
	s := serve(t, web.Options{}, web.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		var b box
		there, err := web.DecodeJSON(r, 1000, &b)
		if err != nil {
			return err
		}
		return web.Reply(w, r, 200, there)
	}))
	for sent, want := range map[string]string{
		``: "false", `{}`: "true", ` {"size":5} `: "true",
		`{"sise":5}`: `unknown field \"sise\"`, `{"size":"5"}`: `\"size\" was sent as string; it must be a whole number`,
		`{"size":1.5}`: "number 1.5", `{"size":9223372036854775808}`: "number 9223372036854775808", `{"deep":1}`: "true or false",
		`{} {}`: "after the JSON object", `{}x`: "after the JSON object", `[]`: "must be a JSON object", `{"size":`: "it is cut off", `hello`: "not valid JSON",
		`{"size":5` + strings.Repeat(" ", 1000) + `}`: "longer than the 1000 bytes", `{}` + strings.Repeat(" ", 1000): "longer than the 1000 bytes",
	} {
		for _, known := range []bool{true, false} {
			in := io.Reader(strings.NewReader(sent))
			if !known {
				in = io.MultiReader(in) // hides the length: a chunked body
			}
			if _, body := do(t, "POST", s.URL, in, "Content-Type", "application/x-www-form-urlencoded"); !strings.Contains(body, want) {
				t.Errorf("%q: %s", sent, body)
			}
		}
	}
}
