package api_test

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"sftpgate/gateway"
	"sftpgate/gateway/web"
	"sftpgate/remote/remotetest/await"
)

// Real calls to a real gateway with a real host: what it takes and what it
// answers is what is described.
func TestRealCallsAreAsDescribed(t *testing.T) {
	g, s := startGate(t), readSpec(t)
	c := caller{t: t, spec: s, url: g.serve(web.NoAuth([]string{"root"}), 0)}
	w := walk{g, c.as("alice"), c.as("bob"), c.as("root"), g.root, new(sync.WaitGroup)}
	w.hosts()
	w.uploads()
	w.refusedOpenings()
	w.refusedBytes()
	w.finishes()
	w.ends()
	w.files()
	w.operation()
	w.tickets()
	w.nobody()
	w.stalled.Wait()
	w.stopped()

	for _, op := range s.operations() {
		for status := range op["responses"].(map[string]any) {
			if status < "3" && !s.seen[op["operationId"].(string)+" "+status] {
				t.Errorf("%s never answered %s", op["operationId"], status)
			}
		}
	}
	for _, event := range []string{"progress", "done", "failed"} {
		if !s.seen["watchUpload "+event] {
			t.Errorf("no event %s", event)
		}
	}
	if left := s.unused(); len(left) > 0 {
		t.Errorf("described, and never sent: %v", left)
	}
	// What a host without faults and a test that runs as root do not show is in
	// TestEveryRefusalIsAsDescribed alone.
	hard := []string{"still-finishing", "permission-denied", "host-error", "host-timeout", "no-space", "quota", "too-many", "internal"}
	if left := missing(codesOf(web.Statuses()), s.codes); len(missing(left, setOf(hard))) > 0 {
		t.Errorf("not provoked: %v", left)
	}
}

func setOf(names []string) map[string]bool {
	m := map[string]bool{}
	for _, n := range names {
		m[n] = true
	}
	return m
}

// walk goes through the API as users do.
type walk struct {
	g                *gate
	alice, bob, root caller
	dir              string
	stalled          *sync.WaitGroup // bodies that do not go on, beside all else
}

func (w walk) want(a answer, status int, code gateway.Code) answer {
	w.g.t.Helper()
	a.wants(w.g.t, status, code, "")
	return a
}

func (w walk) path(name string) string { return filepath.Join(w.dir, name) }

func (w walk) opening(name string, more string) string {
	return fmt.Sprintf(`{"host":"web-1","path":%q%s}`, w.path(name), more)
}

// open opens an upload and gives its address.
func (w walk) open(name, more string) string {
	w.g.t.Helper()
	return w.want(w.alice.call("POST", "/v1/uploads", w.opening(name, more)), 201, "").header.Get("Location")
}

func (w walk) hosts() {
	w.want(w.alice.call("GET", "/v1/me", ""), 200, "")
	w.want(w.alice.call("GET", "/v1/me?x=1", ""), 400, gateway.InvalidRequest)
	w.want(w.alice.call("GET", "/v1/hosts/web-1", ""), 200, "")
	w.want(w.alice.call("GET", "/v1/hosts/down", ""), 200, "")
	w.want(w.alice.call("GET", "/v1/hosts", ""), 200, "")
	next := w.want(w.alice.call("GET", "/v1/hosts?limit=1", ""), 200, "").json["next"]
	w.want(w.alice.call("GET", fmt.Sprintf("/v1/hosts?limit=1000&cursor=%v", next), ""), 200, "")
	w.want(w.alice.call("GET", "/v1/hosts?x=1", ""), 400, gateway.InvalidRequest)
	w.want(w.alice.call("GET", "/v1/hosts/none", ""), 404, gateway.UnknownHost)
	if err := os.WriteFile(w.path("old"), []byte("old"), 0o600); err != nil {
		w.g.t.Fatal(err)
	}
	entries := func(host, dir string) answer {
		return w.alice.call("GET", "/v1/hosts/"+host+"/entries?dir="+dir, "")
	}
	w.want(entries("web-1", w.dir), 200, "")
	w.want(entries("web-1", ""), 400, gateway.InvalidRequest)
	w.want(entries("none", w.dir), 404, gateway.UnknownHost)
	w.want(entries("web-1", "/etc"), 403, gateway.PathForbidden)
	w.want(entries("web-1", w.path("none")), 409, gateway.NoSuchDirectory)
	w.want(entries("down", w.dir), 503, gateway.HostUnreachable)
	w.want(entries("stranger", w.dir), 502, gateway.HostRefused)
}

func (w walk) uploads() {
	body := w.opening("a", `,"size":10,"chunk_size":5,"mode":"0640","mtime":"2026-01-02T03:04:05Z","if_exists":"fail","make_dirs":true,"restart":false,`+
		fmt.Sprintf(`"fingerprint":"f","owner":"%d","group":"%d","digest":%q`, os.Getuid(), os.Getgid(), digestOf("0123456789")))
	at := w.want(w.alice.call("POST", "/v1/uploads", body), 201, "").header.Get("Location")
	w.want(w.alice.call("PUT", at+"/chunks/0", "01234", "Content-Digest", digestOf("01234")), 200, "")
	w.want(w.alice.call("POST", "/v1/uploads", body), 200, "")
	w.want(w.alice.call("GET", at, ""), 200, "")
	w.want(w.alice.call("GET", "/v1/uploads?limit=1&cursor=", ""), 200, "")
	w.want(w.alice.call("POST", at+"/merge", ""), 409, gateway.Incomplete)
	w.want(w.alice.call("PUT", at+"/data", "56789", "Content-Range", "bytes 5-9/10", "Content-Digest", digestOf("56789")), 200, "")
	watched := w.watch(at)
	w.want(w.alice.call("POST", at+"/merge", `{"size":10,"digest":null}`), 202, "")
	<-watched
	w.want(w.alice.call("POST", at+"/merge", ""), 200, "")
	w.want(w.alice.call("GET", at, ""), 200, "")
	w.want(w.alice.call("DELETE", at, ""), 409, gateway.DifferentFile)
	if got, err := os.ReadFile(w.path("a")); err != nil || string(got) != "0123456789" {
		w.g.t.Errorf("%q %v", got, err)
	}
}

// watch follows an upload until its stream ends; the stream has begun when it returns.
func (w walk) watch(at string) <-chan struct{} {
	w.g.t.Helper()
	r, err := http.NewRequest("GET", w.alice.url+at+"/events", nil)
	if err != nil {
		w.g.t.Fatal(err)
	}
	r.Header.Set("X-User", "alice")
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		w.g.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if err != nil {
			w.g.t.Error(err)
		}
		w.alice.spec.check(exchange{method: "GET", target: at + "/events", status: res.StatusCode, got: res.Header, answer: b})
	}()
	return ended
}

func (w walk) refusedOpenings() {
	w.open("mine", `,"size":10`)
	for _, c := range []struct {
		who    caller
		body   string
		status int
		code   gateway.Code
	}{
		{w.alice, w.opening("b", `,"mode":420`), 400, gateway.InvalidRequest},
		{w.alice, w.opening(strings.Repeat("b", 64<<10), ""), 413, gateway.TooLarge},
		{w.alice, `{"host":"none","path":"/x"}`, 404, gateway.UnknownHost},
		{w.alice, `{"host":"web-1","path":"/etc/x"}`, 403, gateway.PathForbidden},
		{w.alice, w.opening("old", ""), 409, gateway.TargetExists},
		{w.alice, w.opening("old", `,"if_match":"\"1-1\""`), 412, gateway.ChangedMeanwhile},
		{w.alice, w.opening("mine", `,"size":11`), 409, gateway.DifferentFile},
		{w.alice, w.opening("none/x", ""), 409, gateway.NoSuchDirectory},
		{w.alice, fmt.Sprintf(`{"host":"web-1","path":%q}`, w.dir), 409, gateway.NotAFile},
		{w.bob, w.opening("mine", ""), 423, gateway.OwnedByAnother},
		{w.alice, fmt.Sprintf(`{"host":"down","path":%q}`, w.path("x")), 503, gateway.HostUnreachable},
		{w.alice, fmt.Sprintf(`{"host":"stranger","path":%q}`, w.path("x")), 502, gateway.HostRefused},
	} {
		w.want(c.who.call("POST", "/v1/uploads", c.body), c.status, c.code)
	}
}

func (w walk) refusedBytes() {
	at := w.open("b", `,"size":20,"chunk_size":10`)
	w.want(w.alice.call("PUT", at+"/chunks/0", "0123456789"), 200, "")
	w.want(w.alice.call("PUT", at+"/chunks/0", "0123456789"), 200, "")
	w.want(w.alice.call("PUT", at+"/chunks/0", "012345678X"), 409, gateway.ChunkConflict)
	w.want(w.alice.call("PUT", at+"/chunks/1", "0123456789", "Content-Digest", digestOf("x")), 422, gateway.DigestMismatch)
	w.want(w.alice.call("PUT", at+"/chunks/x", ""), 400, gateway.InvalidRequest)
	for call, header := range map[string][]string{at + "/chunks/1": {"Content-Encoding", "gzip"},
		at + "/data":                             {"Content-Encoding", "gzip", "Content-Range", "bytes 10-19/20"},
		"/v1/hosts/web-1/files" + w.path("form"): {"Content-Encoding", "gzip"}} {
		w.want(w.alice.call("PUT", call, "0123456789", header...), 415, web.UnsupportedMediaType)
	}
	w.want(w.bob.call("PUT", at+"/chunks/0", "0"), 403, gateway.Forbidden)
	w.want(w.alice.call("PUT", "/v1/uploads/none/chunks/0", "0"), 404, gateway.UnknownUpload)
	w.want(w.alice.call("PUT", at+"/data", "0123456789"), 400, gateway.InvalidRequest)
	w.want(w.alice.call("PUT", at+"/data", "X", "Content-Range", "bytes 3-3/20"), 409, gateway.ChunkConflict)
	w.want(w.alice.call("PUT", at+"/data", "0", "Content-Range", "bytes 10-10/*", "Content-Digest", digestOf("x")), 422, gateway.DigestMismatch)
	w.stall(at + "/chunks/1")
}

// stall sends a body that does not go on. What follows does not wait for its answer.
func (w walk) stall(target string) {
	w.g.t.Helper()
	impatient := w.g.serve(web.NoAuth(nil), await.Scaled(time.Second))
	body, in := io.Pipe()
	r, err := http.NewRequest("PUT", impatient+target, body)
	if err != nil {
		w.g.t.Fatal(err)
	}
	r.ContentLength = 10
	r.Header.Set("X-User", "alice")
	go func() { _, _ = in.Write([]byte("abc")) }()
	w.stalled.Go(func() {
		defer in.Close()
		res, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			w.g.t.Error(err)
			return
		}
		defer res.Body.Close()
		b, _ := io.ReadAll(res.Body)
		if res.StatusCode != 408 {
			w.g.t.Errorf("a body that stands still: %d %s", res.StatusCode, b)
		}
		w.alice.spec.check(exchange{method: "PUT", target: target, status: res.StatusCode, got: res.Header, answer: b})
	})
}

func (w walk) finishes() {
	at := w.open("c", "")
	w.want(w.alice.call("PUT", at+"/chunks/0", "0123456789"), 200, "")
	w.want(w.alice.call("POST", at+"/merge", `{"chunks":1}`), 400, gateway.InvalidRequest)
	w.want(w.alice.call("POST", at+"/merge", `{"size":"10"}`), 400, gateway.InvalidRequest)
	w.want(w.bob.call("POST", at+"/merge", ""), 403, gateway.Forbidden)
	w.want(w.alice.call("POST", "/v1/uploads/none/merge", ""), 404, gateway.UnknownUpload)
	w.want(w.alice.call("GET", "/v1/uploads/none/events", ""), 404, gateway.UnknownUpload)
	watched := w.watch(at)
	w.want(w.alice.call("POST", at+"/merge", `{"size":10,"digest":"`+digestOf("other")+`"}`), 202, "")
	<-watched // failed
	if a := w.alice.call("GET", at, ""); a.json["state"] != "failed" || a.json["error"].(map[string]any)["code"] != "digest-mismatch" {
		w.g.t.Errorf("%s", a.body)
	}
}

func (w walk) ends() {
	at := w.open("d", `,"size":10`)
	w.want(w.bob.call("GET", at, ""), 403, gateway.Forbidden)
	w.want(w.bob.call("DELETE", at, ""), 403, gateway.Forbidden)
	w.want(w.alice.call("GET", "/v1/uploads/none", ""), 404, gateway.UnknownUpload)
	w.want(w.alice.call("DELETE", "/v1/uploads/none", ""), 404, gateway.UnknownUpload)
	watched := w.watch(at)
	w.want(w.alice.call("DELETE", at, ""), 204, "")
	<-watched
	at = w.open("d", `,"size":10`)
	w.want(w.bob.call("POST", at+"/takeover", ""), 403, gateway.Forbidden)
	w.want(w.alice.call("GET", "/v1/uploads?all=1", ""), 403, gateway.Forbidden)
	w.want(w.root.call("GET", "/v1/uploads?all=1", ""), 200, "")
	w.want(w.root.call("POST", "/v1/uploads/none/takeover", ""), 404, gateway.UnknownUpload)
	w.want(w.root.call("POST", at+"/takeover", ""), 204, "")
}

func (w walk) files() {
	put := func(name, query, body string, header ...string) answer {
		return w.alice.call("PUT", "/v1/hosts/web-1/files"+w.path(name)+query, body, header...)
	}
	a := w.want(put("sub/f", "?make_dirs=1&mode=0600&mtime=2026-01-02T03:04:05Z&restart=0", "one", "If-None-Match", "*", "Repr-Digest", digestOf("one")), 201, "")
	b := w.want(put("sub/f", "?if_exists=replace", "three", "Content-Digest", digestOf("three")), 200, "")
	w.want(put("sub/f", "", "one", "If-Match", a.header.Get("ETag")), 412, gateway.ChangedMeanwhile)
	owner := fmt.Sprintf("?owner=%d&group=%d", os.Getuid(), os.Getgid())
	b = w.want(put("sub/f", owner, "four", "If-Match", b.header.Get("ETag")), 200, "")
	w.want(w.alice.call("DELETE", w.open("sub/f", fmt.Sprintf(`,"if_match":%q`, b.header.Get("ETag"))), ""), 204, "")
	w.want(put("sub/f", "", "x"), 409, gateway.TargetExists)
	w.want(put("sub/g", "?mode=x", "x"), 400, gateway.InvalidRequest)
	w.want(put("sub/g", "", "x", "Content-Digest", digestOf("y")), 422, gateway.DigestMismatch)
	w.want(put("none/g", "", "x"), 409, gateway.NoSuchDirectory)
	w.want(w.bob.call("PUT", "/v1/hosts/web-1/files"+w.path("mine"), "x"), 423, gateway.OwnedByAnother)
	w.want(w.alice.call("PUT", "/v1/hosts/none/files/x", "x"), 404, gateway.UnknownHost)
	w.want(w.alice.call("PUT", "/v1/hosts/web-1/files/etc/x", "x"), 403, gateway.PathForbidden)
	w.want(w.alice.call("PUT", "/v1/hosts/down/files"+w.path("x"), "x"), 503, gateway.HostUnreachable)
	w.want(w.alice.call("PUT", "/v1/hosts/stranger/files"+w.path("x"), "x"), 502, gateway.HostRefused)
	w.stall("/v1/hosts/web-1/files" + w.path("g"))
}

func (w walk) operation() {
	for _, path := range []string{"/healthz", "/readyz", "/openapi.yaml"} {
		w.want(w.alice.call("GET", path, ""), 200, "")
	}
	w.want(w.root.call("GET", "/metrics", ""), 200, "")
	w.want(w.bob.call("GET", "/metrics", ""), 403, gateway.Forbidden)
	for _, path := range []string{"/healthz", "/readyz", "/openapi.yaml", "/metrics", "/v1/hosts", "/v1/uploads", "/v1/hosts/web-1", "/v1/hosts/none"} {
		get, head := w.root.call("GET", path, ""), w.root.call("HEAD", path, "")
		if head.status != get.status || head.body != "" || head.header.Get("Content-Type") != get.header.Get("Content-Type") {
			w.g.t.Errorf("HEAD %s: %d %v", path, head.status, head.header)
		}
	}
	w.want(w.alice.call("PATCH", "/v1/hosts", ""), 405, web.MethodNotAllowed)
	w.want(w.alice.call("GET", "/v2", ""), 404, web.NotFound)
	w.want(w.alice.call("GET", "/healthz", "", "Origin", "https://elsewhere.example"), 403, gateway.Forbidden)
}

// tickets: with one, the answer to POST holds a token, which is good for that upload.
func (w walk) tickets() {
	key := []byte(strings.Repeat("k", 32))
	auth, err := web.JWTAuth(w.g.t.Context(), web.JWTOptions{Algorithm: "HS256", Key: key, Audience: "sftpgate", Log: silent})
	if err != nil {
		w.g.t.Fatal(err)
	}
	ticket, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"sub": "alice", "aud": "sftpgate", "exp": time.Now().Add(time.Hour).Unix(),
		"hosts": []string{"web-1"}, "paths": []string{w.dir}, "max_size": 10}).SignedString(key)
	if err != nil {
		w.g.t.Fatal(err)
	}
	c := caller{t: w.g.t, spec: w.alice.spec, url: w.g.serve(auth, 0)}
	c.user = []string{"Authorization", "Bearer " + ticket}
	a := w.want(c.call("POST", "/v1/uploads", w.opening("t", `,"size":10`)), 201, "")
	token, _ := a.json["token"].(string)
	w.want(c.call("POST", "/v1/uploads", w.opening("u", `,"size":11`)), 413, gateway.TooLarge)
	w.want(c.call("GET", "/v1/hosts/down", ""), 403, gateway.Forbidden)
	c.user = []string{"Authorization", "Bearer " + token}
	w.want(c.call("GET", a.header.Get("Location"), ""), 200, "")
	w.want(c.call("GET", "/v1/uploads", ""), 401, gateway.Unauthenticated)
	c.user = nil
	w.want(c.call("GET", "/v1/hosts", ""), 401, gateway.Unauthenticated)
}

// nobody: where somebody has to be named, every operation says so.
func (w walk) nobody() {
	two := w.alice.as("a")
	two.user = append(two.user, "X-User", "b")
	for route, op := range w.alice.spec.operations() {
		if security, there := op["security"].([]any); there && len(security) == 0 {
			continue
		}
		method, path, _ := strings.Cut(route, " ")
		target := strings.NewReplacer("{host}", "web-1", "{path}", "x", "{id}", "i", "{index}", "0").Replace(path)
		w.want(two.call(method, target, ""), 401, gateway.Unauthenticated)
	}
}

// stopped: a registry that is gone, then a gateway that is.
func (w walk) stopped() {
	_ = w.g.store.Close()
	for _, call := range []string{"GET /readyz", "GET /v1/uploads", "GET /v1/uploads/i", "POST /v1/uploads"} {
		method, target, _ := strings.Cut(call, " ")
		body := map[bool]string{true: w.opening("z", "")}[method == "POST"]
		w.want(w.alice.call(method, target, body), 503, gateway.RegistryUnavailable)
	}
	if err := w.g.service.Shutdown(w.g.t.Context()); err != nil {
		w.g.t.Error(err)
	}
	w.want(w.alice.call("GET", "/readyz", ""), 503, gateway.ShuttingDown)
	w.want(w.alice.call("POST", "/v1/uploads", w.opening("z", "")), 503, gateway.ShuttingDown)
}

func digestOf(text string) string { return web.FormatDigest(sha256.Sum256([]byte(text))) }
