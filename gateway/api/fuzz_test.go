package api_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"sftpgate/gateway"
	"sftpgate/gateway/api"
	"sftpgate/gateway/web"
)

// asked gives one request to the routes, without a network, and returns what the
// service was asked: nil when the request was refused, which must then be told
// as a problem of the client's.
func asked(t *testing.T, h http.Handler, s *recorder, r *http.Request) []any {
	t.Helper()
	s.got, s.call = nil, 0
	r.RemoteAddr = "127.0.0.1:1"
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if s.call > 1 {
		t.Fatalf("the service was asked %d times", s.call)
	}
	if s.call == 1 {
		if w.Code >= 300 {
			t.Fatalf("%d %s after the service did it", w.Code, w.Body)
		}
		return s.got
	}
	var p web.Problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); w.Code < 400 || w.Code >= 500 || err != nil || p.Status != w.Code || p.Code == "" || p.Detail == "" {
		t.Fatalf("refused with %d %s (%v)", w.Code, w.Body, err)
	}
	return nil
}

// routes are the API's with a service that does all that it is asked.
func routes(f *testing.F) (http.Handler, *recorder) {
	f.Helper()
	front, err := web.New(web.Options{Auth: web.NoAuth(nil), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		f.Fatal(err)
	}
	s, m := &recorder{upload: gateway.Upload{ID: "u1", State: gateway.Receiving}, hosts: []gateway.HostView{{ID: "web-1"}}}, web.NewMux()
	api.Routes(m, s)
	return front.Handler(m), s
}

// post is a request with a JSON body.
func post(target, body string) *http.Request {
	return httptest.NewRequest(http.MethodPost, target, strings.NewReader(body))
}

func checkOptions(t *testing.T, o gateway.Options) {
	t.Helper()
	switch {
	case o.Mode != nil && *o.Mode > 0o777:
		t.Fatalf("mode %o", *o.Mode)
	case o.IfExists != gateway.FailIfExists && o.IfExists != gateway.ReplaceIfExists:
		t.Fatalf("if_exists %q", o.IfExists)
	case o.IfMatch != "" && o.IfExists != gateway.ReplaceIfExists:
		t.Fatalf("if_match %q with %q", o.IfMatch, o.IfExists)
	}
}

// FuzzOpenBody: what POST /v1/uploads takes says what it says in one way: written
// down anew it asks for the same.
func FuzzOpenBody(f *testing.F) {
	f.Add(`{"host":"web-1","path":"/srv/a","size":5,"chunk_size":2,"if_exists":"replace","if_match":"\"5-6\"","mode":"0640"}`)
	f.Add(`{"host":"web-1","path":"/srv/a","mtime":"2026-01-31T12:00:00.5+01:00","digest":"` + emptyDigest + `","make_dirs":true}`)
	h, s := routes(f)
	f.Fuzz(func(t *testing.T, body string) {
		got := asked(t, h, s, post("/v1/uploads", body))
		if got == nil {
			return
		}
		r := got[2].(gateway.OpenRequest)
		if r.Host == "" || r.Path == "" || r.Size < -1 || r.ChunkSize < 0 {
			t.Fatalf("%+v", r)
		}
		checkOptions(t, r.Options)
		again := asked(t, h, s, post("/v1/uploads", openText(t, r)))
		if again == nil {
			t.Fatalf("%s is not taken again", openText(t, r))
		}
		if r2 := again[2].(gateway.OpenRequest); !r2.MTime.Equal(r.MTime) {
			t.Fatalf("%v became %v", r.MTime, r2.MTime)
		} else if r.MTime = r2.MTime; !reflect.DeepEqual(r, r2) {
			t.Fatalf("%+v became %+v", r, r2)
		}
	})
}

const emptyDigest = "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"

// openText writes a request as a client would.
func openText(t *testing.T, r gateway.OpenRequest) string {
	t.Helper()
	m := map[string]any{"host": r.Host, "path": r.Path, "fingerprint": r.Fingerprint, "restart": r.Restart,
		"if_exists": r.IfExists, "if_match": r.IfMatch, "owner": r.Owner, "group": r.Group, "make_dirs": r.MakeDirs}
	if r.Size >= 0 {
		m["size"] = r.Size
	}
	if r.ChunkSize > 0 {
		m["chunk_size"] = r.ChunkSize
	}
	if r.Digest != nil {
		m["digest"] = web.FormatDigest(*r.Digest)
	}
	if r.Mode != nil {
		m["mode"] = strconv.FormatUint(uint64(*r.Mode), 8)
	}
	if !r.MTime.IsZero() {
		m["mtime"] = r.MTime.Format("2006-01-02T15:04:05.999999999Z07:00")
	}
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// FuzzMergeBody: a size or digest that cannot be one is refused, and nothing
// that was sent is passed over.
func FuzzMergeBody(f *testing.F) {
	f.Add(`{"size":5,"digest":"` + emptyDigest + `"}`)
	f.Add(``)
	h, s := routes(f)
	f.Fuzz(func(t *testing.T, body string) {
		got := asked(t, h, s, post("/v1/uploads/u1/merge", body))
		if got == nil {
			return
		}
		r := got[3].(gateway.FinishRequest)
		if r.Size < -1 {
			t.Fatalf("%+v", r)
		}
		var fields map[string]any
		if err := json.Unmarshal([]byte(body), &fields); err != nil && body != "" && strings.Trim(body, " \t\r\n") != "" {
			t.Fatalf("%q is no object and was taken", body)
		}
		for name, v := range fields {
			if l := strings.ToLower(name); v != nil && (l == "size" && r.Size < 0 || l == "digest" && r.Digest == nil) {
				// Of a name that is there twice the last counts, and that may be null.
				if len(fields) <= 2 && strings.Count(strings.ToLower(body), `"`+l+`"`) == 1 {
					t.Fatalf("%s of %q was passed over: %+v", name, body, r)
				}
			}
		}
	})
}

// FuzzPutTarget sends any path, query and preconditions as they stand in a
// request: the path is unescaped exactly once, and no precondition gets lost.
func FuzzPutTarget(f *testing.F) {
	f.Add("srv/files/a%20b", "if_exists=replace&make_dirs&mode=0640", "", "")
	f.Add("srv/%2e%2e/%252e", "restart=1&mtime=2026-01-31T12:00:00Z", `"5-6"`, "")
	f.Add("//a", "owner=www-data&group=33", "", "*")
	h, s := routes(f)
	f.Fuzz(func(t *testing.T, path, query, match, none string) {
		text := fmt.Sprintf("PUT /v1/hosts/web-1/files/%s?%s HTTP/1.1\r\nHost: gate\r\nContent-Length: 2\r\n", path, query)
		if match != "" {
			text += "If-Match: " + match + "\r\n"
		}
		if none != "" {
			text += "If-None-Match: " + none + "\r\n"
		}
		r, err := http.ReadRequest(bufio.NewReader(io.MultiReader(strings.NewReader(text), strings.NewReader("\r\nhi"))))
		if err != nil || r.RequestURI != "/v1/hosts/web-1/files/"+path+"?"+query || strings.ContainsAny(path, "?#") || len(r.Header) > 3 {
			return // not what a server would hand on, or another request than was meant
		}
		got := asked(t, h, s, r)
		if got == nil {
			return
		}
		if got[0] != "PutFile" {
			t.Fatalf("%s was asked for", got[0])
		}
		p := got[2].(gateway.PutRequest)
		if want, err := url.PathUnescape(path); err != nil || p.Path != "/"+want || p.Host != "web-1" {
			t.Fatalf("%q became %q on %q (%v)", path, p.Path, p.Host, err)
		}
		checkOptions(t, p.Options)
		switch {
		case r.Header.Get("If-None-Match") != "" && p.IfExists != gateway.FailIfExists,
			r.Header.Get("If-Match") != "" && p.IfMatch != strings.TrimSpace(match):
			t.Fatalf("a precondition got lost: %+v", p)
		}
		for name := range r.URL.Query() {
			if !strings.Contains(" if_exists make_dirs mode owner group mtime restart ", " "+name+" ") {
				t.Fatalf("the parameter %q was passed over", name)
			}
		}
	})
}

// FuzzChunkTarget sends any upload id, chunk index and Content-Range.
func FuzzChunkTarget(f *testing.F) {
	f.Add("u1", "0", "")
	f.Add("u%201", "9223372036854775807", "bytes 0-1/2")
	f.Add("..", "+1", "bytes 5-6/*")
	h, s := routes(f)
	f.Fuzz(func(t *testing.T, id, index, ranged string) {
		for _, target := range []string{"/v1/uploads/" + id + "/chunks/" + index, "/v1/uploads/" + id + "/data"} {
			text := "PUT " + target + " HTTP/1.1\r\nHost: gate\r\nContent-Length: 2\r\n"
			if ranged != "" {
				text += "Content-Range: " + ranged + "\r\n"
			}
			r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text + "\r\nhi")))
			if err != nil || r.RequestURI != target || len(r.Header) > 2 || strings.ContainsAny(target, "?#") {
				continue
			}
			got := asked(t, h, s, r)
			if got == nil {
				continue
			}
			if shown := got[2].(string); shown == "" || len(shown) > 200 || strings.ContainsAny(shown, "/\\ \x00\r\n") {
				t.Fatalf("%s of upload %q", got[0], shown)
			}
			switch got[0] {
			case "ReceiveChunk":
				n := strings.TrimLeft(index, "0")
				if unescaped, err := url.PathUnescape(n); err == nil {
					n = strings.TrimLeft(unescaped, "0")
				}
				if i := got[3].(int64); i < 0 || strconv.FormatInt(i, 10) != "0"[:max(0, 1-len(n))]+n || r.Header.Get("Content-Range") != "" {
					t.Fatalf("chunk %q is chunk %d", index, i)
				}
			case "Receive":
				b := got[3].(gateway.Body)
				if b.Off < 0 || b.Len != 2 || b.Off > 1<<63-1-b.Len || b.Total >= 0 && b.Off+b.Len > b.Total {
					t.Fatalf("%q is %+v", ranged, b)
				}
			default:
				t.Fatalf("%s was asked for", got[0])
			}
		}
	})
}
