package page_test

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"

	"sftpgate/gateway/browsertest"
	wait "sftpgate/remote/remotetest/await"
)

// The page below a panel's own name, as the README sets up nginx, which asks for a name
// and a password and tells the gateway who it is.
func TestPageBehindNginxUnderASubPath(t *testing.T) {
	t.Parallel()
	s := serve(t, brisk, "--base-path", "/gate", "--auth", "header", "--trusted-proxy", "127.0.0.1")
	panel := startNginx(t, s.gate.Address)
	s.url = panel + "/gate/"
	o := desktop()
	o.Headers, o.Login = nil, &browsertest.Login{Name: "alice", Password: "secret"}
	v := s.visit(o)
	v.See(`.who:has-text("alice")`)
	v.whole()
	file := source(t, "disk.img", 32*mib)
	v.send(file)
	v.See(row("disk.img", "sending"))
	v.See(row("disk.img", "merging", "done"))
	v.See(row("disk.img", "done"))
	v.arrived(file)
	v.put("a.txt", "old")
	small := source(t, "a.txt", 5)
	v.send(small)
	v.Click(dialog + " " + button("Replace"))
	v.See(row("a.txt", "done"))
	v.arrived(small)
	v.Click(button("Browse"))
	v.See(`sg-browser th:has-text("disk.img")`)
	v.whole("status of 409")
	if len(s.gate.Requests("/gate/v1/uploads/")) == 0 || len(s.gate.Requests("/v1/")) > 0 {
		t.Error("the page is not below the path")
	}
}

// Without the proxy that says who is there the page says what is missing.
func TestHeaderWithoutAProxy(t *testing.T) {
	t.Parallel()
	s := serve(t, 0, "--auth", "header", "--trusted-proxy", "192.0.2.1")
	w := browsertest.Shared(t).Window(t, desktop(), "")
	v := &visit{t: t, window: w, Page: w.Open(t, s.url, nil)}
	v.See(`h1:has-text("The gateway does not let you in")`)
	v.Gone("sftpgate-upload")
	v.whole("status of 401")
}

// startNginx serves the gateway below /gate/ as the README says, for who can log in.
func startNginx(t *testing.T, gate string) (url string) {
	t.Helper()
	path, err := exec.LookPath("nginx")
	if err != nil {
		path = "/usr/sbin/nginx" // where Debian has it, and not everybody looks
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	location := regexp.MustCompile(`(?s)    location /gate/ \{.*?\n    \}\n`).Find(readme)
	upgrade := regexp.MustCompile(`(?m)^map \$http_upgrade .*$`).Find(readme)
	if location == nil || upgrade == nil {
		t.Fatal("the README does not say how nginx has the gateway below /gate/")
	}
	user := ""
	if os.Geteuid() == 0 {
		user = "user root;"
	}
	dir, at := t.TempDir(), browsertest.FreeAddress(t)
	config := fmt.Sprintf(`daemon off; worker_processes 1; pid nginx.pid; error_log stderr warn; %s
events {}
http {
    access_log off; client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    %s
    server {
        listen %s;
        auth_basic panel; auth_basic_user_file people;
    %s
    }
}
`, user, upgrade, at, bytes.ReplaceAll(location, []byte("127.0.0.1:8080"), []byte(gate)))
	for name, text := range map[string]string{"nginx.conf": config, "people": "alice:{PLAIN}secret\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var log bytes.Buffer
	cmd := exec.Command(path, "-p", dir, "-c", filepath.Join(dir, "nginx.conf"), "-e", "stderr")
	cmd.Stdout, cmd.Stderr = &log, &log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := cmd.Start(); err != nil {
		t.Fatalf("nginx: %v (make parts installs it)", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("nginx said:\n%s\nwith\n%s", log.String(), config)
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
