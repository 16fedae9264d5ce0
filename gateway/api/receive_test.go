package api_test

import (
	"testing"
	"time"

	"sftpgate/gateway"
)

func TestPutChunk(t *testing.T) {
	s := &recorder{upload: gateway.Upload{ID: "u1"}}
	u := serve(t, s)
	if a := send(t, u, "PUT", "/v1/uploads/u1/chunks/9223372036854775807", "hello", "Content-Digest", digestText); a.status != 200 {
		t.Errorf("%d %s", a.status, a.body)
	}
	s.asked(t, "ReceiveChunk", anonymous, "u1", int64(1<<63-1), gateway.Body{Len: 5, Total: -1, Digest: &digest})
	if s.body != "hello" {
		t.Errorf("body %q", s.body)
	}
	before := s.call
	for _, index := range []string{"-1", "+1", "1.5", "0x1", "9223372036854775808", "%31%20", "a"} {
		send(t, u, "PUT", "/v1/uploads/u1/chunks/"+index, "x").wants(t, 400, gateway.InvalidRequest, "index")
	}
	for in, header := range map[string][]string{
		"send a body with Content-Range to": {"Content-Range", "bytes 0-0/1"},
		"SHA-256":                           {"Content-Digest", "sha-512=:AAAA:"},
		"32 bytes":                          {"Content-Digest", "sha-256=:AAAA:"},
	} {
		send(t, u, "PUT", "/v1/uploads/u1/chunks/0", "x", header...).wants(t, 400, gateway.InvalidRequest, in)
	}
	if s.call != before {
		t.Error("the service was asked")
	}
}

func TestPutData(t *testing.T) {
	s := &recorder{upload: gateway.Upload{ID: "u1"}}
	u := serve(t, s)
	if a := send(t, u, "PUT", "/v1/uploads/u1/data", "hello", "Content-Range", "bytes 10-14/100"); a.status != 200 {
		t.Errorf("%d %s", a.status, a.body)
	}
	s.asked(t, "Receive", anonymous, "u1", gateway.Body{Off: 10, Len: 5, Total: 100})
	if a := send(t, u, "PUT", "/v1/uploads/u1/data", "hello", "Content-Range", "bytes 0-4/*", "Content-Digest", digestText); a.status != 200 {
		t.Errorf("%d %s", a.status, a.body)
	}
	s.asked(t, "Receive", anonymous, "u1", gateway.Body{Len: 5, Total: -1, Digest: &digest})
	before := s.call
	send(t, u, "PUT", "/v1/uploads/u1/data", "hello").wants(t, 400, gateway.InvalidRequest, "one Content-Range header with the bytes' position")
	for _, r := range []string{"bytes 0-5/100", "bytes 0-3/100", "bytes 0-4/4", "bytes 4-0/9", "bytes -5/9", "bytes 9223372036854775807-9223372036854775811/*"} {
		send(t, u, "PUT", "/v1/uploads/u1/data", "hello", "Content-Range", r).wants(t, 400, gateway.InvalidRequest, "Content-Range")
	}
	send(t, u, "PUT", "/v1/uploads/u1/data", "hello", "Content-Range", "bytes 0-4/5", "Content-Range", "bytes 5-9/10").wants(t, 400, gateway.InvalidRequest, "one Content-Range")
	if s.call != before {
		t.Error("the service was asked")
	}
}

func TestPutFile(t *testing.T) {
	mtime := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	fail := gateway.Options{IfExists: gateway.FailIfExists}
	s := &recorder{upload: gateway.Upload{ID: "u1", State: gateway.Done}}
	u := serve(t, s)
	for _, c := range []struct {
		target string
		header []string
		want   gateway.PutRequest
	}{
		{"/v1/hosts/h/files/srv/a%20b", nil, gateway.PutRequest{Path: "/srv/a b", Options: fail}},
		{"/v1/hosts/h/files//srv/%2e%2e/a%2fb%00/", nil, gateway.PutRequest{Path: "//srv/../a/b\x00/", Options: fail}},
		{"/v1/hosts/h/files/srv/../../etc/a%252f", nil, gateway.PutRequest{Path: "/srv/../../etc/a%2f", Options: fail}},
		{"/v1/hosts/h/files/a?if_exists=replace&make_dirs=1&mode=600&owner=www&group=www&mtime=2026-01-31T12:00:00Z", nil,
			gateway.PutRequest{Path: "/a", Options: gateway.Options{IfExists: gateway.ReplaceIfExists, MakeDirs: true, Mode: mode(0o600), Owner: "www", Group: "www", MTime: mtime}}},
		{"/v1/hosts/h/files/a?make_dirs", []string{"If-None-Match", "*"}, gateway.PutRequest{Path: "/a", Options: gateway.Options{IfExists: gateway.FailIfExists, MakeDirs: true}}},
		{"/v1/hosts/h/files/a?make_dirs=false", []string{"If-Match", `"1-2"`}, gateway.PutRequest{Path: "/a", Options: gateway.Options{IfExists: gateway.ReplaceIfExists, IfMatch: `"1-2"`}}},
		{"/v1/hosts/h/files/a", []string{"Repr-Digest", digestText}, gateway.PutRequest{Path: "/a", Options: fail, Digest: &digest}},
		{"/v1/hosts/h/files/a", []string{"Content-Digest", digestText, "Repr-Digest", digestText}, gateway.PutRequest{Path: "/a", Options: fail, Digest: &digest}},
	} {
		if a := send(t, u, "PUT", c.target, "hello", c.header...); a.status != 201 {
			t.Errorf("%s: %d %s", c.target, a.status, a.body)
		}
		c.want.Host, c.want.Size = "h", 5
		s.asked(t, "PutFile", anonymous, c.want)
		if s.body != "hello" {
			t.Errorf("body %q", s.body)
		}
	}
	s.replaced = true
	if a := send(t, u, "PUT", "/v1/hosts/h/files/a?if_exists=replace", ""); a.status != 200 {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestPutFileRefuses(t *testing.T) {
	s := &recorder{}
	u := serve(t, s)
	for query, in := range map[string]string{"if_exists=append": "fail or replace", "make_dirs=yes": "1 or 0", "mode=0999": "octal", "mode=7777": "octal", "mode=-1": "octal",
		"mtime=1": "mtime", "mtime=1969-12-31T23:59:59Z": "1970", "mod=0600": `unknown parameter \"mod\"`, "mode=1&mode=2": "2 times", "a;b=1": "query"} {
		send(t, u, "PUT", "/v1/hosts/h/files/a?"+query, "x").wants(t, 400, gateway.InvalidRequest, in)
	}
	const other = "sha-256=:AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:"
	for _, header := range [][]string{
		{"If-None-Match", `"x"`}, {"If-None-Match", "*", "If-Match", `"x"`}, {"If-Match", "*"}, {"If-Match", `"a", "b"`}, {"If-Match", `W/"a"`}, {"If-Match", `"`},
		{"If-Match", `"a"`, "If-Match", `"b"`}, {"Content-Range", "bytes 0-0/2"}, {"Content-Digest", digestText, "Repr-Digest", other}, {"Repr-Digest", ""},
	} {
		if a := send(t, u, "PUT", "/v1/hosts/h/files/a", "x", header...); a.status != 400 {
			t.Errorf("%q: %d %s", header, a.status, a.body)
		}
	}
	send(t, u, "PUT", "/v1/hosts/h/files/a?if_exists=replace", "x", "If-None-Match", "*").wants(t, 400, gateway.InvalidRequest, "contradicts")
	send(t, u, "PUT", "/v1/hosts/h/files/a?if_exists=fail", "x", "If-Match", `"a"`).wants(t, 400, gateway.InvalidRequest, "forbids")
	if s.call != 0 {
		t.Error("the service was asked")
	}
}

// A form or compressed bytes, stored as they come, would not be the file.
func TestBodiesOfAnotherKind(t *testing.T) {
	s := &recorder{}
	u := serve(t, s)
	const code = gateway.Code("unsupported-media-type")
	for _, call := range [][]string{{"/v1/hosts/h/files/a"}, {"/v1/uploads/u1/chunks/0"}, {"/v1/uploads/u1/data", "Content-Range", "bytes 0-0/1"}} {
		for _, kind := range []string{"multipart/form-data; boundary=x", "Multipart/Form-Data", "multipart/mixed; boundary=x"} {
			send(t, u, "PUT", call[0], "x", append([]string{"Content-Type", kind}, call[1:]...)...).wants(t, 415, code, "curl -T")
		}
		send(t, u, "PUT", call[0], "x", append([]string{"Content-Encoding", "gzip"}, call[1:]...)...).wants(t, 415, code, "gzip")
	}
	if s.call != 0 {
		t.Error("the service was asked")
	}
	for _, header := range [][]string{nil, {"Content-Type", "application/json"}, {"Content-Type", "text/x; nonsense"}, {"Content-Encoding", "Identity"}} {
		if a := send(t, u, "PUT", "/v1/hosts/h/files/a", "x", header...); a.status != 201 {
			t.Errorf("%q: %d %s", header, a.status, a.body)
		}
	}
}
