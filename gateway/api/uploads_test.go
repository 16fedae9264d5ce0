package api_test

import (
	"strings"
	"testing"
	"time"

	"sftpgate/gateway"
	"sftpgate/gateway/access"
)

func mode(m uint32) *uint32 { return &m }

func TestOpen(t *testing.T) {
	mtime := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	s := &recorder{upload: gateway.Upload{ID: "u 1", Size: -1, State: gateway.Receiving}}
	u := serve(t, s)
	for body, want := range map[string]gateway.OpenRequest{
		`{"host":"h","path":"/srv/a"}`: {Host: "h", Path: "/srv/a", Size: -1, Options: gateway.Options{IfExists: gateway.FailIfExists}},
		`{"host":"h","path":"/srv/../\u0000","size":0,"chunk_size":8388608,"digest":"` + digestText + `","fingerprint":"f","if_exists":"replace","if_match":"\"1-2\"",` +
			`"restart":true,"mode":"0640","owner":"www","group":"33","mtime":"2026-01-31T12:00:00Z","make_dirs":true}`: {
			Host: "h", Path: "/srv/../\x00", Size: 0, ChunkSize: 8 << 20, Digest: &digest, Fingerprint: "f", Restart: true, Anew: true,
			Options: gateway.Options{IfExists: gateway.ReplaceIfExists, IfMatch: `"1-2"`, Mode: mode(0o640), Owner: "www", Group: "33", MTime: mtime, MakeDirs: true}},
		`{"host":"h","path":"a","size":9223372036854775807,"chunk_size":null}`: {Host: "h", Path: "a", Size: 1<<63 - 1, Options: gateway.Options{IfExists: gateway.FailIfExists}},
		`{"host":"h","path":"/\ud83d\ude00\\ud83d"}`:                           {Host: "h", Path: "/😀\\ud83d", Size: -1, Options: gateway.Options{IfExists: gateway.FailIfExists}},
		"\ufeff" + `{"host":"h","path":"a"}`:                                   {Host: "h", Path: "a", Size: -1, Options: gateway.Options{IfExists: gateway.FailIfExists}},
		// Who names the file that may be replaced wants it replaced.
		`{"host":"h","path":"a","if_match":"\"e\""}`: {Host: "h", Path: "a", Size: -1, Options: gateway.Options{IfExists: gateway.ReplaceIfExists, IfMatch: `"e"`}},
	} {
		a := send(t, u, "POST", "/v1/uploads", body)
		if a.status != 201 || a.header.Get("Location") != "/v1/uploads/u%201" {
			t.Errorf("%d %q %s", a.status, a.header.Get("Location"), a.body)
		}
		s.asked(t, "Open", anonymous, want)
	}
	s.resumed = true
	if a := send(t, u, "POST", "/v1/uploads", `{"host":"h","path":"a"}`); a.status != 200 || a.header.Get("Location") == "" {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestOpenRefuses(t *testing.T) {
	s := &recorder{}
	u := serve(t, s)
	for body, in := range map[string]string{
		``: "empty", `null`: "host is missing", `{"path":"/a"}`: "host is missing", `{"host":"h"}`: "path is missing",
		`{"host":"h","path":"/a","user":"root"}`:                         `unknown field \"user\"`,
		`{"host":"h","path":"/a","size":-1}`:                             "size must be",
		`{"host":"h","path":"/a","size":1e30}`:                           "size",
		`{"host":"h","path":"/a","size":"12"}`:                           "whole number",
		`{"host":"h","path":"/a","chunk_size":0}`:                        "chunk_size must be",
		`{"host":"h","path":"/a","chunk_size":-5}`:                       "chunk_size must be",
		`{"host":"h","path":"/a","digest":"abc"}`:                        "SHA-256",
		`{"host":"h","path":"/a","digest":""}`:                           "SHA-256",
		`{"host":"h","path":"/a","if_exists":"append"}`:                  "fail or replace",
		`{"host":"h","path":"/a","if_exists":"fail","if_match":"\"x\""}`: "forbids",
		`{"host":"h","path":"/a","mode":420}`:                            "mode",
		`{"host":"h","path":"/a","mode":"rw"}`:                           "octal",
		`{"host":"h","path":"/a","mode":"4755"}`:                         "octal",
		`{"host":"h","path":"/a","mtime":"yesterday"}`:                   "mtime",
		`{"host":"h","path":"/a","mtime":"1969-12-31T23:59:59Z"}`:        "1970",
		`{"host":"h","path":"/a","mtime":"2106-02-07T06:28:16Z"}`:        "2106",
		`{"host":"h","path":"/a","mtime":"0001-01-01T00:00:00Z"}`:        "1970",
		"{\"host\":\"h\",\"path\":\"/caf\xe9\"}":                         "UTF-8",
		`{"host":"h","path":"/\ud83d"}`:                                  "surrogate",
		`{"host":"h","path":"/\ude00\ud83d"}`:                            "surrogate",
		`{"host":"h","path":"/\ud83d\\de00"}`:                            "surrogate",
		`{"host":"h","path":"/a"}{}`:                                     "after the JSON object",
	} {
		send(t, u, "POST", "/v1/uploads", body).wants(t, 400, gateway.InvalidRequest, in)
	}
	send(t, u, "POST", "/v1/uploads", `{"host":"`+strings.Repeat("h", 64<<10)+`"}`).wants(t, 413, gateway.TooLarge, "65536")
	send(t, u, "POST", "/v1/uploads?restart=1", `{"host":"h","path":"/a"}`).wants(t, 400, gateway.InvalidRequest, "restart")
	if s.call != 0 {
		t.Error("the service was asked")
	}
}

// The shape that clients are written against.
func TestUploadObject(t *testing.T) {
	s := &recorder{}
	u := serve(t, s)
	created := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s.upload = gateway.Upload{ID: "u1", Host: "h", Path: "/srv/<a>", User: "alice", Size: -1, State: gateway.Receiving, CreatedAt: created}
	const bare = `{"id":"u1","host":"h","path":"/srv/<a>","user":"alice","size":null,"chunk_size":null,"state":"receiving","received":[],` +
		`"received_bytes":0,"merged_bytes":0,"engine":"","digest":null,"verified":"","created_at":"2026-01-02T03:04:05Z"}` + "\n"
	if a := send(t, u, "GET", "/v1/uploads/u1", ""); a.body != bare {
		t.Errorf("\n%s\n%s", a.body, bare)
	}
	s.upload = gateway.Upload{ID: "u1", Size: 10, ChunkSize: 5, State: gateway.Failed, Received: [][2]int64{{0, 5}, {6, 9}}, ReceivedBytes: 8, MergedBytes: 5,
		Engine: "shell", Digest: &digest, Verified: "spans", Error: gateway.Refuse(gateway.NoSpace, "full"), Notes: []string{"owner not kept"}, CreatedAt: created, ExpiresAt: created}
	const full = `{"id":"u1","host":"","path":"","user":"","size":10,"chunk_size":5,"state":"failed","received":[[0,5],[6,9]],"received_bytes":8,"merged_bytes":5,` +
		`"engine":"shell","digest":"` + "sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:" + `","verified":"spans",` +
		`"error":{"type":"urn:sftpgate:problem:no-space","title":"No space left on the host","status":507,"detail":"full","code":"no-space","retryable":true},` +
		`"notes":["owner not kept"],"created_at":"2026-01-02T03:04:05Z","expires_at":"2026-01-02T03:04:05Z"}` + "\n"
	if a := send(t, u, "GET", "/v1/uploads/u1", ""); a.body != full {
		t.Errorf("\n%s\n%s", a.body, full)
	}
	for _, call := range []string{"PUT /v1/uploads/u1/chunks/0", "PUT /v1/hosts/h/files/x"} {
		method, target, _ := strings.Cut(call, " ")
		if a := send(t, u, method, target, ""); a.json["id"] != "u1" || a.json["received"] != nil {
			t.Errorf("%s: %s", call, a.body)
		}
	}
	s.list = []gateway.Upload{s.upload, {ID: "u2"}}
	if a := send(t, u, "GET", "/v1/uploads", ""); len(a.json["uploads"].([]any)) != 2 {
		t.Error(a.body)
	}
	s.list = nil
	if a := send(t, u, "GET", "/v1/uploads", ""); a.body != `{"uploads":[]}`+"\n" {
		t.Error(a.body)
	}
}

func TestMerge(t *testing.T) {
	s := &recorder{upload: gateway.Upload{ID: "u1", State: gateway.Merging}}
	u := serve(t, s)
	for body, want := range map[string]gateway.FinishRequest{
		``: {Size: -1}, `{}`: {Size: -1}, `{"size":0}`: {Size: 0}, `{"size":7,"digest":"` + digestText + `"}`: {Size: 7, Digest: &digest},
	} {
		if a := send(t, u, "POST", "/v1/uploads/u1/merge", body); a.status != 202 || a.json["state"] != "merging" {
			t.Errorf("%d %s", a.status, a.body)
		}
		s.asked(t, "Finish", anonymous, "u1", want)
	}
	s.upload.State = gateway.Done
	if a := send(t, u, "POST", "/v1/uploads/u1/merge", ""); a.status != 200 {
		t.Errorf("%d %s", a.status, a.body)
	}
	for body, in := range map[string]string{`{"size":-1}`: "size must be", `{"chunks":3}`: "chunks", `{"digest":"md5"}`: "SHA-256", `x`: "not valid JSON"} {
		send(t, u, "POST", "/v1/uploads/u1/merge", body).wants(t, 400, gateway.InvalidRequest, in)
	}
	s.err = &gateway.Error{Code: gateway.Incomplete, Detail: "not all", Missing: [][2]int64{{5, 10}}}
	send(t, u, "POST", "/v1/uploads/u1/merge", "").wants(t, 409, gateway.Incomplete, `"missing":[[5,10]]`)
}

func TestListAll(t *testing.T) {
	s := &recorder{}
	u := serve(t, s)
	root := access.Caller{User: "root", Admin: true}
	for query, method := range map[string]string{"?all=1": "ListAll", "?all": "ListAll", "?all=0": "List", "": "List"} {
		if a := send(t, u, "GET", "/v1/uploads"+query, "", "X-User", "root"); a.status != 200 || a.body != `{"uploads":[]}`+"\n" {
			t.Errorf("%q: %d %s", query, a.status, a.body)
		}
		s.asked(t, method, root)
	}
	send(t, u, "GET", "/v1/uploads?all=everything", "").wants(t, 400, gateway.InvalidRequest, "all")
}

func TestCancelAndTakeover(t *testing.T) {
	s := &recorder{}
	u := serve(t, s)
	if a := send(t, u, "DELETE", "/v1/uploads/u1", "", "X-User", "alice"); a.status != 204 || a.body != "" {
		t.Errorf("%d %s", a.status, a.body)
	}
	s.asked(t, "Cancel", access.Caller{User: "alice"}, "u1")
	if a := send(t, u, "POST", "/v1/uploads/u1/takeover", "", "X-User", "root"); a.status != 204 {
		t.Errorf("%d %s", a.status, a.body)
	}
	s.asked(t, "Takeover", access.Caller{User: "root", Admin: true}, "u1")
}

func TestIDsThatCannotBeOne(t *testing.T) {
	s := &recorder{}
	u := serve(t, s)
	for _, id := range []string{"%2e%2e%2fx", "a%00b", "a%0ab", "a%20b", "%C3%BC", "a%5cb", strings.Repeat("a", 65), "%7B%22type%22:%22urn:x%22%7D", "not-one"} {
		send(t, u, "GET", "/v1/uploads/"+id, "").wants(t, 400, gateway.InvalidRequest, "not an upload id")
	}
	if s.call != 0 {
		t.Error("the service was asked")
	}
}
