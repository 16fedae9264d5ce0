package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"sftpgate/gateway/registry/registrytest"
	"sftpgate/remote/remotetest"
)

// scrape reads /metrics with Prometheus' own parser.
func scrape(t *testing.T, base string, header http.Header) map[string]*dto.MetricFamily {
	t.Helper()
	r, err := http.NewRequest("GET", base+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header = header
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != 200 {
		t.Fatalf("/metrics: %s", res.Status)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return families
}

// value adds up the series of a metric with these labels ("name=value"): what
// they count, show, or how often they were observed.
func value(families map[string]*dto.MetricFamily, name string, labels ...string) float64 {
	sum := 0.0
	for _, m := range families["sftpgate_"+name].GetMetric() {
		has := map[string]bool{}
		for _, l := range m.GetLabel() {
			has[l.GetName()+"="+l.GetValue()] = true
		}
		if !slices.ContainsFunc(labels, func(l string) bool { return !has[l] }) {
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return sum
}

// requestAs is request by a user whom the proxy names.
func requestAs(t *testing.T, user, method, url, body string) (int, map[string]any) {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if user != "" {
		r.Header.Set("X-User", user)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var answer map[string]any
	_ = json.NewDecoder(res.Body).Decode(&answer)
	return res.StatusCode, answer
}

func TestMetricsMoveWithAnUpload(t *testing.T) {
	t.Parallel()
	sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	redis := registrytest.StartRedis(t)
	p := start(t, nil, "serve", "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0", "--hosts", yamlOf(t, sshd.Host("web-1")),
		"--redis", redis.URL(), "--auth", "header", "--trusted-proxy", "127.0.0.1", "--admin", "root")
	base, apart := "http://"+p.logged("listening")["address"].(string), "http://"+p.logged("serving metrics")["address"].(string)
	alice := func(want int, method, path, body string) map[string]any {
		t.Helper()
		status, answer := requestAs(t, "alice", method, base+path, body)
		if status != want {
			t.Errorf("%s %s: %d %v", method, path, status, answer)
		}
		return answer
	}
	before := scrape(t, apart, nil)
	if value(before, "host_connections") != 0 || value(before, "host_dials_total") != 0 || value(before, "uploads") != 0 {
		t.Error("something happened before anybody asked")
	}

	const size, chunks = 1 * mib, 3
	target := filepath.Join(sshd.Root, "x")
	u := alice(201, "POST", "/v1/uploads", fmt.Sprintf(`{"host":"web-1","path":%q,"size":%d,"chunk_size":%d}`, target, size*chunks, size))
	id := fmt.Sprint(u["id"])
	for i := range chunks {
		alice(200, "PUT", fmt.Sprintf("/v1/uploads/%s/chunks/%d", id, i), strings.Repeat(fmt.Sprint(i), size))
	}
	alice(409, "PUT", "/v1/uploads/"+id+"/chunks/0", strings.Repeat("x", size)) // other bytes at the same place
	alice(201, "PUT", "/v1/hosts/web-1/files"+filepath.Join(sshd.Root, "small"), "small")
	status, _ := requestAs(t, "bob", "POST", base+"/v1/uploads", fmt.Sprintf(`{"host":"web-1","path":%q}`, target))
	if status != 423 {
		t.Errorf("bob: %d", status)
	}
	during := scrape(t, apart, nil)
	if value(during, "uploads", "host=web-1", "state=receiving") != 1 || value(during, "host_connections", "host=web-1") < 1 || value(during, "host_up") != 1 {
		t.Errorf("in the middle: uploads %v, connections %v", during["sftpgate_uploads"], during["sftpgate_host_connections"])
	}
	alice(202, "POST", "/v1/uploads/"+id+"/merge", "")
	p.poll("the file", func() bool { return exists(target) })

	var after map[string]*dto.MetricFamily
	p.poll("the finish to be counted", func() bool {
		after = scrape(t, apart, nil)
		return value(after, "finish_duration_seconds", "host=web-1", "state=done") == 1 && value(after, "uploads", "state=receiving") == 0
	})
	for _, c := range []struct {
		name     string
		labels   []string
		min, max float64
	}{
		{"http_requests_total", []string{"method=PUT", "route=/v1/uploads/{id}/chunks/{index}", "code=200"}, chunks, chunks},
		{"http_requests_total", []string{"code=409"}, 1, 1},
		{"http_requests_total", []string{"route=/v1/uploads", "code=423"}, 1, 1},
		{"http_request_body_bytes_total", nil, size * chunks, size*(chunks+1) + 2000},
		{"received_bytes_total", []string{"host=web-1"}, size*chunks + 5, size*(chunks+1) + 5},
		{"host_sent_bytes_total", []string{"host=web-1"}, size * chunks, 3 * size * chunks},
		{"chunk_duration_seconds", []string{"host=web-1"}, chunks + 1, chunks + 1}, // and the small file
		{"chunks_refused_total", []string{"host=web-1", "code=chunk-conflict"}, 1, 1},
		{"host_dials_total", []string{"host=web-1", "outcome=connected"}, 1, 8},
		{"host_dial_duration_seconds", []string{"host=web-1"}, 1, 8},
		{"host_breaker_open", nil, 0, 0}, {"bodies_in_flight", nil, 0, 0}, {"merge_backlog_bytes", nil, 0, 0},
		{"claims_total", []string{"outcome=granted"}, 1, 100}, {"claims_total", []string{"outcome=held"}, 0, 1}, {"claims_total", []string{"outcome=unavailable"}, 0, 0},
		{"build_info", nil, 1, 1},
	} {
		if v := value(after, c.name, c.labels...); v < c.min || v > c.max {
			t.Errorf("%s %v: %v, want %v to %v", c.name, c.labels, v, c.min, c.max)
		}
	}
	if text := fmt.Sprint(after); strings.Contains(text, id) || strings.Contains(text, sshd.Root) || strings.Contains(text, "alice") {
		t.Error("an upload, a path or a user became a label")
	}
	whoMayScrape(t, base, apart, after)
}

// Where the API is, the metrics are for administrators; their own address has nothing else.
func whoMayScrape(t *testing.T, base, apart string, known map[string]*dto.MetricFamily) {
	t.Helper()
	for user, want := range map[string]int{"": 401, "alice": 403, "root": 200} {
		if status, _ := requestAs(t, user, "GET", base+"/metrics", ""); status != want {
			t.Errorf("%q at the API's address: %d", user, status)
		}
	}
	same := scrape(t, base, http.Header{"X-User": {"root"}})
	for name := range maps.Keys(known) {
		if same[name] == nil {
			t.Errorf("%s is missing there", name)
		}
	}
	for _, path := range []string{"/v1/hosts", "/", "/healthz"} {
		if status, _ := requestAs(t, "root", "GET", apart+path, ""); status != 404 {
			t.Errorf("%s at the metrics' address: %d", path, status)
		}
	}
}
