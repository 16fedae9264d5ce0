package main

import (
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"sftpgate/remote/remotetest"
)

var (
	pageLink    = regexp.MustCompile(`(?:src|href)="([^"]*)"`)
	describedAt = regexp.MustCompile(`(?m)^servers:\n  - url: (\S+)$`)
)

// Below a base path, and behind a proxy that takes a prefix off besides, a client
// comes everywhere by the addresses that it is given.
func TestBasePath(t *testing.T) {
	t.Parallel()
	sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	p, at := serving(t, "--hosts", yamlOf(t, sshd.Host("web-1")), "--state", t.TempDir(), "--base-path", "/gate/", "--trusted-proxy", "127.0.0.1")
	if l := p.logged("listening"); l["base_path"] != "/gate" {
		t.Errorf("%v", l)
	}
	behind, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httptest.NewServer(http.StripPrefix("/panel", &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(behind)
		r.SetXForwarded()
		r.Out.Header.Set("X-Forwarded-Prefix", "/panel")
	}}))
	defer proxy.Close()
	for name, c := range map[string]struct{ site, prefix string }{
		"alone":          {at, "/gate"},
		"behind a proxy": {proxy.URL, "/panel/gate"},
	} {
		t.Run(name, func(t *testing.T) {
			v := visitor{t, c.site, c.prefix}
			html := v.get(c.prefix, "text/html") // without its slash
			for _, l := range pageLink.FindAllStringSubmatch(html, -1) {
				v.get(l[1], "")
			}
			if n := len(pageLink.FindAllString(html, -1)); n < 6 {
				t.Errorf("%d links in\n%s", n, html)
			}
			if d := describedAt.FindStringSubmatch(v.get(c.prefix+"/openapi.yaml", "")); d == nil || d[1] != c.prefix {
				t.Errorf("described at %q", d)
			}
			v.get(c.prefix+"/healthz", "")
			v.get(c.prefix+"/metrics", "")
			v.get(v.opens(filepath.Join(sshd.Root, "x of "+name)), "")
			v.concatenates(sshd.Root, "tus of "+name)

			_, line, _ := strings.Cut(v.get(c.prefix+"/", ""), "\n# A file in one request\n")
			line, _, _ = strings.Cut(line, "\n")
			sh(t, t.TempDir(), line)
			hello := filepath.Join(sshd.Root, "hello.txt")
			if got, err := os.ReadFile(hello); err != nil || string(got) != "hello\n" {
				t.Errorf("%s: %q %v", line, got, err)
			}
			_ = os.Remove(hello)
		})
	}
	for _, beside := range []string{"/", "/healthz", "/v1/hosts", "/gateway/"} {
		if status, answer := request("GET", at+beside, nil); status != 404 || answer["code"] != "not-found" || !strings.Contains(answer["detail"].(string), "/gate/") {
			t.Errorf("%s: %d %v", beside, status, answer)
		}
	}
}

// visitor goes only where he is led.
type visitor struct {
	t            *testing.T
	site, prefix string
}

// to is where a link on the site leads, which must be below the prefix.
func (v visitor) to(link string) string {
	v.t.Helper()
	if link != v.prefix && !strings.HasPrefix(link, v.prefix+"/") {
		v.t.Errorf("%q is not below %s", link, v.prefix)
	}
	return v.site + link
}

func (v visitor) get(link, accept string) string {
	v.t.Helper()
	r, err := http.NewRequest("GET", v.to(link), nil)
	if err != nil {
		v.t.Fatal(err)
	}
	if accept != "" {
		r.Header.Set("Accept", accept)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	text := textOf(res)
	if res.StatusCode != 200 {
		v.t.Errorf("%s: %s %s", link, res.Status, text)
	}
	return text
}

func textOf(res *http.Response) string {
	defer res.Body.Close()
	b, _ := io.ReadAll(res.Body)
	return string(b)
}

// opens opens an upload and gives its Location.
func (v visitor) opens(path string) string {
	v.t.Helper()
	res, err := http.Post(v.to(v.prefix+"/v1/uploads"), "application/json", strings.NewReader(`{"host":"web-1","path":"`+path+`","size":5}`))
	if err != nil {
		v.t.Fatal(err)
	}
	if text := textOf(res); res.StatusCode != 201 {
		v.t.Fatalf("%s %s", res.Status, text)
	}
	return res.Header.Get("Location")
}

// concatenates sends a file as one part by tus, whose addresses lead below the prefix.
func (v visitor) concatenates(dir, name string) {
	v.t.Helper()
	ask := func(method, link, body string, header ...string) string {
		r, err := http.NewRequest(method, v.to(link), strings.NewReader(body))
		if err != nil {
			v.t.Fatal(err)
		}
		r.Header.Set("Tus-Resumable", "1.0.0")
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			v.t.Fatal(err)
		}
		if text := textOf(res); res.StatusCode >= 300 || res.Header.Get("Tus-Resumable") == "" {
			v.t.Fatalf("%s %s: %s %v %s", method, link, res.Status, res.Header, text)
		}
		return res.Header.Get("Location")
	}
	endpoint := v.prefix + "/tus/web-1" + dir + "/"
	part := ask("POST", endpoint, "", "Upload-Length", "5", "Upload-Concat", "partial")
	ask("PATCH", part, "hello", "Content-Type", "application/offset+octet-stream", "Upload-Offset", "0")
	for i, address := range []string{part, v.site + part} {
		metadata := "filename " + base64.StdEncoding.EncodeToString([]byte(name))
		ask("HEAD", ask("POST", endpoint, "", "Upload-Concat", "final;"+address, "Upload-Metadata", metadata), "")
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != "hello" {
			v.t.Errorf("%d: %q %v", i, got, err)
		}
	}
	ask("HEAD", part, "")
}

// The demo's lines are for where it really is.
func TestDemoBelowABasePath(t *testing.T) {
	p := start(t, nil, "demo", "--listen", "127.0.0.1:0", "--base-path", "/try/it")
	said := p.until("Ctrl-C")
	open := regexp.MustCompile(`^Open http://([0-9.:]+)/try/it/ `).FindStringSubmatch(said[len(said)-1])
	if open == nil {
		t.Fatalf("%q", said[len(said)-1])
	}
	for _, line := range said {
		if strings.Contains(strings.ReplaceAll(line, open[1]+"/try/it/", ""), open[1]) {
			t.Errorf("not below the base path: %s", line)
		}
	}
	if out := sh(t, t.TempDir(), "curl -sS http://"+open[1]+"/try/it/v1/hosts"); !strings.Contains(out, `"id":"demo"`) {
		t.Error(out)
	}
}
