package metrics

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"sftpgate/gateway"
	"sftpgate/gateway/registry"
	"sftpgate/gateway/web"
	"sftpgate/remote/remotetest/await"
	"sftpgate/remote/sshpool"
)

// busy are metrics in which everything has happened once.
func busy(t *testing.T) *Metrics {
	t.Helper()
	m := New("v1.2.3")
	m.Received("web-1", 1000, 20*time.Millisecond, "")
	m.Received("web-1", 24, time.Second, gateway.ChunkConflict)
	m.Finished("web-1", gateway.Done, 2*time.Second)
	m.Dialed("web-1", 30*time.Millisecond, nil)
	m.Dialed("web-2", time.Second, &sshpool.Error{Host: "web-2", Kind: sshpool.Refused})
	m.Observe(web.Seen{Method: "PUT", Route: "PUT /v1/uploads/{id}/chunks/{index}", Status: 200, In: 1000, Out: 300})
	m.Watch(func() []sshpool.Stats {
		return []sshpool.Stats{{Host: "web-1", State: sshpool.Up, Open: 2, Sent: 5000, Received: 60}, {Host: "web-2", State: sshpool.Down, BreakerOpen: true}, {Host: "web-3", State: sshpool.Unknown}}
	}, func() gateway.Stats {
		return gateway.Stats{Uploads: map[gateway.HostState]int{{Host: "web-1", State: gateway.Merging}: 3},
			Bodies: map[string]int{"web-1": 2}, Backlog: map[string]int64{"web-1": 8 << 20}}
	})
	return m
}

func TestNamesAndUnits(t *testing.T) {
	problems, err := testutil.GatherAndLint(busy(t).registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestWhatIsShown(t *testing.T) {
	m := busy(t)
	url := served(t, m, true, web.NoAuth(nil))
	_, body := fetch(t, "GET", url, "")
	for _, line := range []string{
		`sftpgate_build_info{version="v1.2.3"} 1`,
		`sftpgate_http_requests_total{code="200",method="PUT",route="/v1/uploads/{id}/chunks/{index}"} 1`,
		`sftpgate_http_request_body_bytes_total 1000`, `sftpgate_http_response_body_bytes_total 300`,
		`sftpgate_received_bytes_total{host="web-1"} 1024`,
		`sftpgate_chunk_duration_seconds_count{host="web-1"} 1`, `sftpgate_chunk_duration_seconds_bucket{host="web-1",le="0.01"} 0`, `sftpgate_chunk_duration_seconds_bucket{host="web-1",le="0.025"} 1`,
		`sftpgate_chunks_refused_total{code="chunk-conflict",host="web-1"} 1`,
		`sftpgate_finish_duration_seconds_sum{host="web-1",state="done"} 2`,
		`sftpgate_host_dials_total{host="web-1",outcome="connected"} 1`, `sftpgate_host_dials_total{host="web-2",outcome="refused"} 1`,
		`sftpgate_host_dial_duration_seconds_count{host="web-2"} 1`,
		`sftpgate_host_up{host="web-1"} 1`, `sftpgate_host_up{host="web-2"} 0`,
		`sftpgate_host_breaker_open{host="web-1"} 0`, `sftpgate_host_breaker_open{host="web-2"} 1`,
		`sftpgate_host_connections{host="web-1"} 2`, `sftpgate_host_sent_bytes_total{host="web-1"} 5000`, `sftpgate_host_received_bytes_total{host="web-1"} 60`,
		`sftpgate_uploads{host="web-1",state="merging"} 3`, `sftpgate_uploads{host="web-2",state="receiving"} 0`,
		`sftpgate_bodies_in_flight{host="web-1"} 2`, `sftpgate_merge_backlog_bytes{host="web-1"} 8.388608e+06`, `sftpgate_merge_backlog_bytes{host="web-2"} 0`,
		`sftpgate_claims_total{outcome="held"} 0`,
	} {
		if !strings.Contains(body, "\n"+line+"\n") {
			t.Errorf("no %s", line)
		}
	}
	for _, runtime := range []string{"go_goroutines ", "process_resident_memory_bytes "} {
		if !strings.Contains(body, "\n"+runtime) {
			t.Errorf("no %s", runtime)
		}
	}
	if strings.Contains(body, `"web-3"`) {
		t.Error("a host that was never needed has numbers")
	}
	if t.Failed() {
		t.Log(body)
	}
}

// What clients make up is not kept.
func TestLabelsAreBounded(t *testing.T) {
	m := New("")
	url := served(t, m, true, web.NoAuth(nil))
	for _, path := range []string{"/a", "/b/c", "/v1/uploads/x/y/z", "/%00"} {
		fetch(t, "GET", strings.TrimSuffix(url, "/metrics")+path, "")
	}
	for _, method := range []string{"BREW", "X1", "X2"} {
		fetch(t, method, url, "")
	}
	other := m.requests.WithLabelValues("other", "none", "405")
	// A request is counted after it was answered.
	await.Until(t, "all requests to be counted", func() bool { return testutil.ToFloat64(other) >= 3 })
	if n := testutil.CollectAndCount(m.requests); n != 2 {
		t.Errorf("%d series", n)
	}
	for labels, want := range map[[3]string]float64{{"GET", "none", "404"}: 4, {"other", "none", "405"}: 3} {
		if got := testutil.ToFloat64(m.requests.WithLabelValues(labels[:]...)); got != want {
			t.Errorf("%v: %v", labels, got)
		}
	}
}

func TestAdministratorsOnly(t *testing.T) {
	url := served(t, New(""), false, web.NoAuth([]string{"root"}))
	for user, status := range map[string]int{"": 403, "alice": 403, "root": 200} {
		if got, body := fetch(t, "GET", url, user); got != status || (status == 200) != strings.Contains(body, "sftpgate_build_info") {
			t.Errorf("%q: %d %.200s", user, got, body)
		}
	}
	if got, body := fetch(t, "HEAD", url, "root"); got != 200 || body != "" {
		t.Errorf("HEAD: %d %s", got, body)
	}
}

func TestClaims(t *testing.T) {
	store, err := registry.OpenBolt(filepath.Join(t.TempDir(), "registry.db"), nil)
	if err != nil {
		t.Fatal(err)
	}
	m := New("")
	c := m.Claims(store)
	mine, hers := gateway.Claim{Token: "a", ID: "a", User: "alice"}, gateway.Claim{Token: "b", ID: "b", User: "bob"}
	for _, want := range []gateway.Claim{mine, hers, mine} {
		if got, err := c.Claim(t.Context(), "k", want, time.Hour); err != nil || got.User != "alice" {
			t.Fatalf("%+v %v", got, err)
		}
	}
	if got, err := c.Replace(t.Context(), "k", "a", hers, time.Hour); err != nil || got.User != "bob" {
		t.Fatalf("%+v %v", got, err)
	}
	if err := c.Release(t.Context(), "k", "b"); err != nil {
		t.Fatal(err)
	}
	_ = store.Close()
	if _, err := c.Claim(t.Context(), "k", mine, time.Hour); err == nil {
		t.Fatal("a closed store answers")
	}
	for outcome, want := range map[string]float64{granted: 3, held: 1, released: 1, unavailable: 1} {
		if got := testutil.ToFloat64(m.claimsOutcomes.WithLabelValues(outcome)); got != want {
			t.Errorf("%s: %v, want %v", outcome, got, want)
		}
	}
}

// served is the address of m's metrics behind a front that m observes.
func served(t *testing.T, m *Metrics, open bool, auth web.Authenticator) string {
	t.Helper()
	front, err := web.New(web.Options{Auth: auth, Observe: m.Observe, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	mux := web.NewMux()
	m.Routes(mux, open)
	srv := httptest.NewServer(front.Handler(mux))
	t.Cleanup(srv.Close)
	return srv.URL + "/metrics"
}

func fetch(t *testing.T, method, url, user string) (int, string) {
	t.Helper()
	r, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept-Encoding", "identity")
	if user != "" {
		r.Header.Set("X-User", user)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}
