package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"sftpgate/gateway"
	"sftpgate/gateway/access"
	"sftpgate/gateway/api"
	"sftpgate/gateway/web"
)

// recorder is a service that notes what it is asked and says what it is told
// to. What a real service does with it is tested with the real one.
type recorder struct {
	got  []any // the arguments of the last call, the method's name first
	body string
	err  error
	call int

	upload   gateway.Upload
	resumed  bool
	replaced bool
	hosts    []gateway.HostView
	entries  gateway.Entries
	list     []gateway.Upload
}

func (s *recorder) note(args ...any) error {
	s.call++
	s.got = args
	return s.err
}

func (s *recorder) read(r io.Reader) {
	b, _ := io.ReadAll(r)
	s.body = string(b)
}

func (s *recorder) Hosts(_ context.Context, c access.Caller) ([]gateway.HostView, error) {
	return s.hosts, s.note("Hosts", c)
}

func (s *recorder) Host(_ context.Context, c access.Caller, id string) (gateway.HostView, error) {
	if err := s.note("Host", c, id); err != nil {
		return gateway.HostView{}, err
	}
	return s.hosts[0], nil
}

func (s *recorder) Entries(_ context.Context, c access.Caller, host, dir string) (gateway.Entries, error) {
	return s.entries, s.note("Entries", c, host, dir)
}

func (s *recorder) Open(_ context.Context, c access.Caller, r gateway.OpenRequest) (gateway.Opened, error) {
	return gateway.Opened{Upload: s.upload, Resumed: s.resumed}, s.note("Open", c, r)
}

func (s *recorder) Get(_ context.Context, c access.Caller, id string) (gateway.Upload, error) {
	return s.upload, s.note("Get", c, id)
}

func (s *recorder) List(_ context.Context, c access.Caller) ([]gateway.Upload, error) {
	return s.list, s.note("List", c)
}

func (s *recorder) ListAll(_ context.Context, c access.Caller) ([]gateway.Upload, error) {
	return s.list, s.note("ListAll", c)
}

func (s *recorder) Cancel(_ context.Context, c access.Caller, id string) error {
	return s.note("Cancel", c, id)
}

// Subscribe tells of every upload in list, and then says what it is told to.
func (s *recorder) Subscribe(_ context.Context, c access.Caller, id string, _ func()) (next func() (*gateway.Told, error), leave func(), err error) {
	list := s.list
	return func() (*gateway.Told, error) {
		if len(list) == 0 {
			return nil, io.EOF
		}
		u := list[0]
		list = list[1:]
		return &gateway.Told{Upload: u}, nil
	}, func() {}, s.note("Subscribe", c, id)
}

func (s *recorder) Takeover(_ context.Context, c access.Caller, id string) error {
	return s.note("Takeover", c, id)
}

func (s *recorder) Receive(_ context.Context, c access.Caller, id string, b gateway.Body) (gateway.Upload, error) {
	s.read(b.R)
	b.R = nil
	return s.upload, s.note("Receive", c, id, b)
}

func (s *recorder) ReceiveChunk(_ context.Context, c access.Caller, id string, index int64, b gateway.Body) (gateway.Upload, error) {
	s.read(b.R)
	b.R = nil
	return s.upload, s.note("ReceiveChunk", c, id, index, b)
}

func (s *recorder) Finish(_ context.Context, c access.Caller, id string, r gateway.FinishRequest) (gateway.Upload, error) {
	return s.upload, s.note("Finish", c, id, r)
}

func (s *recorder) PutFile(_ context.Context, c access.Caller, r gateway.PutRequest) (gateway.PutResult, error) {
	if s.err == nil {
		s.read(r.R)
	}
	r.R = nil
	return gateway.PutResult{Upload: s.upload, Replaced: s.replaced}, s.note("PutFile", c, r)
}

func (s *recorder) Ready(context.Context) error { return s.note("Ready") }

func serve(t *testing.T, s api.Service) string {
	t.Helper()
	front, err := web.New(web.Options{Auth: web.NoAuth([]string{"root"}), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	m := web.NewMux()
	api.Routes(m, s)
	srv := httptest.NewServer(front.Handler(m))
	t.Cleanup(srv.Close)
	return srv.URL
}

type answer struct {
	status int
	header http.Header
	body   string
	json   map[string]any
}

// send makes one request; header holds names and values in turn. A request
// target is sent as it is written.
func send(t *testing.T, url, method, target, body string, header ...string) answer {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	path, query, _ := strings.Cut(target, "?")
	r.URL.Opaque = "//" + r.URL.Host + path
	r.URL.RawQuery = query
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := answer{status: res.StatusCode, header: res.Header, body: string(b)}
	if len(b) > 0 && strings.HasSuffix(res.Header.Get("Content-Type"), "json") {
		if err := json.Unmarshal(b, &a.json); err != nil {
			t.Fatalf("%s %s: %v: %s", method, target, err, b)
		}
	}
	return a
}

func (a answer) wants(t *testing.T, status int, code gateway.Code, in string) {
	t.Helper()
	got, _ := a.json["code"].(string)
	if a.status != status || got != string(code) || !strings.Contains(a.body, in) {
		t.Errorf("want %d %s with %q: %d %s", status, code, in, a.status, a.body)
	}
}

var (
	anonymous = access.Caller{User: "anonymous"}
	// digest is the SHA-256 of 32 zero bytes' place: only its form matters here.
	digest     = gateway.Digest{}
	digestText = "sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:"
)

func (s *recorder) asked(t *testing.T, want ...any) {
	t.Helper()
	if !reflect.DeepEqual(s.got, want) {
		t.Errorf("the service was asked\n%+v\nwant\n%+v", s.got, want)
	}
}

func TestHosts(t *testing.T) {
	s := &recorder{hosts: []gateway.HostView{
		{ID: "web-1", Label: "Web 1", Tags: []string{"eu"}, Roots: []string{"/srv"}, State: "up", Engine: "shell", Durability: "full", Free: 5, Latency: 1250 * time.Microsecond, Cannot: map[string]string{"exec": "<no>"}},
		{ID: "web-2", State: "down", Reason: "refused", Free: -1}}}
	u := serve(t, s)
	a := send(t, u, "GET", "/v1/hosts", "", "X-User", "root")
	s.asked(t, "Hosts", access.Caller{User: "root", Admin: true})
	want := `{"hosts":[` +
		`{"id":"web-1","label":"Web 1","tags":["eu"],"roots":["/srv"],"state":"up","engine":"shell","durability":"full","free_bytes":5,"latency_ms":1.25,"cannot":{"exec":"<no>"}},` +
		`{"id":"web-2","label":"","tags":[],"roots":[],"state":"down","reason":"refused","engine":"","durability":"","free_bytes":null,"latency_ms":null}]}` + "\n"
	if a.status != 200 || a.body != want {
		t.Errorf("%d\n%s\n%s", a.status, a.body, want)
	}
	if a := send(t, u, "GET", "/v1/hosts/web-1", ""); a.status != 200 || a.json["id"] != "web-1" {
		t.Errorf("%d %s", a.status, a.body)
	}
	s.asked(t, "Host", anonymous, "web-1")
}

func TestEntries(t *testing.T) {
	s := &recorder{entries: gateway.Entries{Host: "h", Dir: "/srv", Entries: []gateway.DirEntry{{Name: "a<b>\n", Type: "file", Size: 3, MTime: time.Unix(0, 0)}}}}
	u := serve(t, s)
	a := send(t, u, "GET", "/v1/hosts/h/entries?dir=/srv/%2e%2e/a+b", "")
	s.asked(t, "Entries", anonymous, "h", "/srv/../a b")
	if want := `{"host":"h","dir":"/srv","entries":[{"name":"a<b>\n","type":"file","size":3,"mtime":"1970-01-01T00:00:00Z"}]}` + "\n"; a.body != want {
		t.Error(a.body)
	}
	for q, in := range map[string]string{"": "dir is missing", "?dir=": "dir is missing", "?dir=/a&dir=/b": "2 times", "?dir=/a&all=1": `unknown parameter`, "?dir=%zz": "query"} {
		send(t, u, "GET", "/v1/hosts/h/entries"+q, "").wants(t, 400, gateway.InvalidRequest, in)
	}
}

func TestProbes(t *testing.T) {
	s := &recorder{}
	u := serve(t, s)
	// Probes do not say who they are, and are not asked.
	two := []string{"X-User", "a", "X-User", "b"}
	if a := send(t, u, "GET", "/healthz", "", two...); a.status != 200 || s.call != 0 {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := send(t, u, "GET", "/readyz", "", two...); a.status != 200 {
		t.Errorf("%d %s", a.status, a.body)
	}
	s.err = gateway.Refuse(gateway.ShuttingDown, "on its way out")
	a := send(t, u, "GET", "/readyz", "")
	a.wants(t, 503, gateway.ShuttingDown, "on its way out")
	if a.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	if a := send(t, u, "GET", "/healthz", ""); a.status != 200 {
		t.Error("alive means alive")
	}
}

func TestEveryCallAsksWhoItIs(t *testing.T) {
	s := &recorder{}
	u := serve(t, s)
	for _, call := range []string{"GET /v1/hosts", "GET /v1/hosts/h", "GET /v1/hosts/h/entries?dir=/", "PUT /v1/hosts/h/files/x", "POST /v1/uploads", "GET /v1/uploads",
		"GET /v1/uploads/i", "DELETE /v1/uploads/i", "PUT /v1/uploads/i/chunks/0", "PUT /v1/uploads/i/data", "POST /v1/uploads/i/merge", "POST /v1/uploads/i/takeover", "GET /v1/uploads/i/events"} {
		method, target, _ := strings.Cut(call, " ")
		send(t, u, method, target, "", "X-User", "a", "X-User", "b").wants(t, 401, gateway.Unauthenticated, "")
	}
	if s.call != 0 {
		t.Error("the service was asked for somebody unknown")
	}
}

func TestWrongAddressesAreProblemsToo(t *testing.T) {
	u := serve(t, &recorder{})
	for target, status := range map[string]int{"/v1/uploads/i/chunks": 404, "/v1": 404, "/v1/hosts/": 404, "/v1//hosts": 404, "/v1/uploads/i/merge": 405} {
		if a := send(t, u, "PUT", target, ""); a.status != status || a.json["status"] != float64(status) {
			t.Errorf("%s: %d %s", target, a.status, a.body)
		}
	}
}

// An early refusal of a big body reaches a client that wants to send it all.
func TestBigBodyRefusedEarly(t *testing.T) {
	s := &recorder{err: gateway.Refuse(gateway.NoSpace, "full")}
	u := serve(t, s)
	big := bytes.NewReader(make([]byte, 50<<20))
	r, _ := http.NewRequest("PUT", u+"/v1/hosts/h/files/x", big)
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != 507 || !strings.Contains(fmt.Sprint(s.got), "PutFile") {
		t.Fatalf("%d %v", res.StatusCode, s.got)
	}
}
