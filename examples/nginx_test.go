package examples_test

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"sftpgate/remote/remotetest"
	wait "sftpgate/remote/remotetest/await"
)

// A panel that has the gateway beside itself, below its own name: nginx as the README
// sets it up. There is no other web site for the browser, and so no CORS.
func TestBehindNginxUnderASubPath(t *testing.T) {
	t.Parallel()
	browser, pages := startBrowser(t), startSite(t)
	host := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	file := write(t, filepath.Join(t.TempDir(), "disk.img"), large)
	near := host.Host("web-1")
	near.Bandwidth = rate
	for _, c := range []client{
		{page: "tus", dialect: "tus", wholly: true, parts: []string{"files", "killed"}, proves: []string{"files"}},
		{page: "resumable", dialect: "resumable", parts: []string{"files", "killed"}, proves: []string{"killed"}},
		{page: "panel", dialect: "panel", parts: []string{"files", "exists"}, proves: []string{"exists"}},
	} {
		c.name, c.input = c.page, "#files"
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			gate := serve(t, "https://panel.example", near)
			gate.kill()
			gate.args = append(gate.args, "--base-path", "/gate", "--trusted-proxy", "127.0.0.1")
			gate.start()
			panel := startNginx(t, pages.URL, gate.address)
			gate.front = panel + "/gate"
			inPanel := pages
			inPanel.at = panel
			s := &stage{client: c, t: t, window: browser.window(t), pages: inPanel, host: host, gate: gate, large: file}
			s.run()
			room := func(r request) bool {
				return strings.Contains(r.Path, "/panel/progress/") && r.Status == http.StatusSwitchingProtocols
			}
			if c.page == "panel" && !slices.ContainsFunc(gate.requests("panel"), room) {
				t.Error("no WebSocket came through")
			}
		})
	}
}

// startNginx serves a panel's pages and, as the README says, the gateway below /gate/.
func startNginx(t *testing.T, pages, gate string) (url string) {
	t.Helper()
	path, err := exec.LookPath("nginx")
	if err != nil {
		path = "/usr/sbin/nginx" // where Debian has it, and not everybody looks
	}
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	location := regexp.MustCompile(`(?s)    location /gate/ \{.*?\n    \}\n`).Find(readme)
	upgrade := regexp.MustCompile(`(?m)^map \$http_upgrade .*$`).Find(readme)
	if location == nil || upgrade == nil {
		t.Fatal("the README does not say how nginx has the gateway below /gate/")
	}
	dir, at := t.TempDir(), address(t)
	config := fmt.Sprintf(`daemon off; worker_processes 1; pid nginx.pid; error_log stderr warn; %s
events {}
http {
    access_log off; client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    %s
    server {
        listen %s;
        location / { proxy_pass %s; }
    %s
    }
}
`, user(), upgrade, at, pages, bytes.ReplaceAll(location, []byte("127.0.0.1:8080"), []byte(gate)))
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	log := &said{}
	cmd := exec.Command(path, "-p", dir, "-c", file, "-e", "stderr")
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := cmd.Start(); err != nil {
		t.Fatalf("nginx: %v (make parts installs it)", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("nginx said:\n%s\nwith\n%s", log, config)
		}
	})
	wait.Until(t, "nginx to listen", func() bool {
		c, err := net.Dial("tcp", at)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
	return "http://" + at
}

// user is who nginx works as: whoever runs the tests, whose files it must read.
func user() string {
	if os.Geteuid() == 0 {
		return "user root;"
	}
	return ""
}

// What the gateway hands out leads back to it through nginx.
func TestLocationBehindNginx(t *testing.T) {
	t.Parallel()
	host := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	gate := serve(t, "https://panel.example", host.Host("web-1"))
	gate.kill()
	gate.args = append(gate.args, "--base-path", "/gate", "--trusted-proxy", "127.0.0.1")
	gate.start()
	panel := startNginx(t, "http://"+gate.address, gate.address)
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
