package examples_test

import (
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sftpgate/gateway/browsertest"
	"sftpgate/remote/remotetest"
)

// A panel that has the gateway beside itself, below its own name: nginx as
// docs/reverse-proxy.md sets it up. There is no other web site for the browser, and so no CORS.
func TestBehindNginxUnderASubPath(t *testing.T) {
	t.Parallel()
	browser, pages := browsertest.Shared(t), startSite(t)
	host := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	image := write(t, filepath.Join(t.TempDir(), "disk.img"), large)
	near := host.Host("web-1")
	near.Bandwidth = rate
	for _, c := range []client{
		{page: "tus", dialect: "tus", wholly: true, parts: []string{"files", "killed"}, proves: []string{"files"}},
		{page: "resumable", dialect: "resumable", parts: []string{"files", "killed"}, proves: []string{"killed"}},
		{page: "panel", dialect: "panel", parts: []string{"files", "exists"}, proves: []string{"exists"}},
	} {
		c.name, c.input, c.large = c.page, "#files", large
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			gate := serve(t, belowGate, near)
			panel := gate.Nginx("location / { proxy_pass "+pages.URL+"; }", nil)
			gate.front = panel + "/gate"
			inPanel := pages
			inPanel.at = panel
			s := &stage{client: c, t: t, window: window(t, browser), pages: inPanel, host: host, gate: gate, image: image}
			s.run()
			room := func(r browsertest.Request) bool {
				return strings.Contains(r.Path, "/panel/progress/") && r.Status == http.StatusSwitchingProtocols
			}
			if c.page == "panel" && !slices.ContainsFunc(gate.requests("panel"), room) {
				t.Error("no WebSocket came through")
			}
		})
	}
}

// What the gateway hands out leads back to it through nginx.
func TestLocationBehindNginx(t *testing.T) {
	t.Parallel()
	host := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	panel := serve(t, belowGate, host.Host("web-1")).Nginx("", nil)
	r, err := http.NewRequest(http.MethodPost, panel+"/gate/tus/web-1"+host.Root+"/", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"Tus-Resumable": "1.0.0", "Upload-Length": "5", "Upload-Metadata": "filename Zg=="} {
		r.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	at := res.Header.Get("Location")
	if res.StatusCode != http.StatusCreated || !strings.HasPrefix(at, "/gate/tus/") {
		t.Fatalf("%d, Location %q", res.StatusCode, at)
	}
	r, _ = http.NewRequest(http.MethodHead, panel+at, http.NoBody)
	r.Header.Set("Tus-Resumable", "1.0.0")
	if res, err = http.DefaultClient.Do(r); err != nil || res.StatusCode != http.StatusOK || res.Header.Get("Upload-Length") != "5" {
		t.Errorf("%v, %v", res, err)
	}
	_ = res.Body.Close()
}
