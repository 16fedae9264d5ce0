package browsertest

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"syscall"
	"testing"

	wait "sftpgate/remote/remotetest/await"
)

// Nginx serves the gateway below /gate/ as docs/reverse-proxy.md says, and rest, further lines of
// its server block, which may name files. It returns its URL, without a final slash.
func (g *Gate) Nginx(rest string, files map[string]string) (url string) {
	t := g.t
	t.Helper()
	path, err := exec.LookPath("nginx")
	if err != nil {
		path = "/usr/sbin/nginx" // where Debian has it, and not everybody looks
	}
	location, upgrade := fromDocs(t)
	dir, at := t.TempDir(), FreeAddress(t)
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	user := ""
	if os.Geteuid() == 0 { // whoever runs the tests, whose files it must read
		user = "user root;"
	}
	config := fmt.Sprintf(`daemon off; worker_processes 1; pid nginx.pid; error_log stderr warn; %s
events {}
http {
    access_log off; client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    %s
    server {
        listen %s;
        %s
    %s
    }
}
`, user, upgrade, at, rest, bytes.ReplaceAll(location, []byte("127.0.0.1:8080"), []byte(g.Address)))
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	log := &Said{}
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

// fromDocs is how nginx has the gateway below /gate/.
func fromDocs(t testing.TB) (location, upgrade []byte) {
	t.Helper()
	_, file, _, _ := runtime.Caller(0)
	docs, err := os.ReadFile(filepath.Join(filepath.Dir(file), "../../docs/reverse-proxy.md"))
	if err != nil {
		t.Fatal(err)
	}
	location = regexp.MustCompile(`(?s)    location /gate/ \{.*?\n    \}\n`).Find(docs)
	upgrade = regexp.MustCompile(`(?m)^map \$http_upgrade .*$`).Find(docs)
	if location == nil || upgrade == nil {
		t.Fatal("docs/reverse-proxy.md does not say how nginx has the gateway below /gate/")
	}
	return location, upgrade
}
