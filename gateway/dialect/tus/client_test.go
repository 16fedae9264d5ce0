package tus_test

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"sftpgate/gateway/dialect/tus"
	"sftpgate/gateway/dialecttest"
)

const octets = "application/offset+octet-stream"

// header is pairs of a name and a value.
type header []string

// ask sends a request with Tus-Resumable.
func ask(t testing.TB, user, method, target string, h header, body io.Reader) dialecttest.Answer {
	t.Helper()
	r, err := http.NewRequest(method, target, body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Tus-Resumable", "1.0.0")
	for i := 0; i < len(h); i += 2 {
		if h[i+1] == "" {
			r.Header.Del(h[i])
			continue
		}
		r.Header.Set(h[i], h[i+1])
	}
	return dialecttest.Do(t, r, user)
}

func named(name string) string { return "filename " + base64.StdEncoding.EncodeToString([]byte(name)) }

// site is a gateway with a user's endpoint.
type site struct {
	*dialecttest.Site
	t        testing.TB
	endpoint string
}

func start(t testing.TB) site {
	t.Helper()
	s := dialecttest.Start(t, tus.Routes)
	return site{s, t, s.URL + "/tus/web-1" + s.Root + "/"}
}

func (s site) ask(method, target string, h header, body []byte) dialecttest.Answer {
	s.t.Helper()
	var in io.Reader
	if body != nil {
		in = bytes.NewReader(body)
	}
	return ask(s.t, "alice", method, target, h, in)
}

// create opens an upload and returns its URL.
func (s site) create(h ...string) string {
	s.t.Helper()
	a := s.ask("POST", s.endpoint, h, nil)
	if a.Status != 201 {
		s.t.Fatalf("create: %d %s", a.Status, a.Text)
	}
	return s.at(a)
}

// at is the URL in a Location.
func (s site) at(a dialecttest.Answer) string {
	s.t.Helper()
	base, _ := url.Parse(s.endpoint)
	to, err := base.Parse(a.Header.Get("Location"))
	if err != nil {
		s.t.Fatal(err)
	}
	return to.String()
}

// file creates an upload of a size.
func (s site) file(name string, size int) string {
	s.t.Helper()
	return s.create("Upload-Length", strconv.Itoa(size), "Upload-Metadata", named(name))
}

func (s site) patch(target string, offset int, body []byte, h ...string) dialecttest.Answer {
	s.t.Helper()
	return s.ask("PATCH", target, append(header{"Content-Type", octets, "Upload-Offset", strconv.Itoa(offset)}, h...), body)
}

// patched is a PATCH that must succeed.
func (s site) patched(target string, offset int, body []byte, h ...string) dialecttest.Answer {
	s.t.Helper()
	a := s.patch(target, offset, body, h...)
	if a.Status != 204 || a.Header.Get("Upload-Offset") != strconv.Itoa(offset+len(body)) {
		s.t.Fatalf("PATCH at %d: %d, Upload-Offset %q %s", offset, a.Status, a.Header.Get("Upload-Offset"), a.Text)
	}
	return a
}

// stands wants HEAD to say so.
func (s site) stands(target string, offset int) dialecttest.Answer {
	s.t.Helper()
	a := s.ask("HEAD", target, nil, nil)
	if a.Status != 200 || a.Header.Get("Upload-Offset") != strconv.Itoa(offset) {
		s.t.Fatalf("HEAD: %d, Upload-Offset %q, want %d", a.Status, a.Header.Get("Upload-Offset"), offset)
	}
	return a
}

// offset is what HEAD says.
func (s site) offset(target string) int {
	s.t.Helper()
	n, err := strconv.Atoi(s.ask("HEAD", target, nil, nil).Header.Get("Upload-Offset"))
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

func (s site) wants(a dialecttest.Answer, status int, in string) {
	s.t.Helper()
	if a.Status != status || !strings.Contains(a.Text, in) {
		s.t.Errorf("want %d with %q, got %d %s", status, in, a.Status, a.Text)
	}
	if a.Header.Get("Tus-Resumable") != "1.0.0" {
		s.t.Errorf("%d has the Tus-Resumable %q", a.Status, a.Header.Get("Tus-Resumable"))
	}
}

func sha1Of(b []byte) string {
	sum := sha1.Sum(b)
	return "sha1 " + base64.StdEncoding.EncodeToString(sum[:])
}

// sendFile does what tus-js-client does for a file.
func sendFile(t testing.TB, u dialecttest.Upload) dialecttest.Answer {
	t.Helper()
	a := ask(t, u.User, "POST", u.Endpoint, header{"Upload-Length", strconv.Itoa(len(u.Content)), "Upload-Metadata", named(u.Name)}, nil)
	if a.Status != 201 {
		return a
	}
	base, _ := url.Parse(u.Endpoint)
	at, _ := base.Parse(a.Header.Get("Location"))
	for off, n := 0, 0; off < len(u.Content) && (u.Most == 0 || n < u.Most); n++ {
		a = ask(t, u.User, "PATCH", at.String(), header{"Content-Type", octets, "Upload-Offset", strconv.Itoa(off)},
			bytes.NewReader(u.Content[off:min(off+u.Chunk, len(u.Content))]))
		if a.Status != 204 {
			return a
		}
		off, _ = strconv.Atoi(a.Header.Get("Upload-Offset"))
	}
	return a
}

var whole = dialecttest.Dialect{Routes: tus.Routes, Base: "/tus", Send: sendFile,
	Permanent: func(a dialecttest.Answer) bool {
		return a.Status >= 400 && a.Status < 500 && a.Status != 409 && a.Status != 423
	}}

func TestSuite(t *testing.T) { dialecttest.Run(t, whole) }

func TestNoChunkIsHeldWhole(t *testing.T) { dialecttest.Streams(t, whole) }
