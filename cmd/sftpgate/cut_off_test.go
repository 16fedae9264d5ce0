package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"sftpgate/gateway/registry/registrytest"
	"sftpgate/remote/remotetest"
)

// Bodies that the drain time does not suffice for are told so, whatever protocol
// they came by, and the log blames neither them, the host nor a healthy Redis.
func TestTheDrainTimeRunsOut(t *testing.T) {
	t.Parallel()
	sshd, redis := remotetest.StartSSHD(t, remotetest.SSHDOptions{}), registrytest.StartRedis(t)
	p, base := serving(t, "--hosts", yamlOf(t, sshd.Host("web-1")), "--redis", redis.URL(), "--drain", "0s")
	const size = 1 << 20
	body := string(pieceOf(0, size))
	first := dialWire(t, base)
	upload := first.opens(filepath.Join(sshd.Root, "a"), fmt.Sprintf(`,"size":%d,"chunk_size":%d`, 2*size, size))
	var all []*wire
	begin := func(method, path, header string) {
		w := dialWire(t, base)
		w.says(method, path, header+fmt.Sprintf("Content-Length: %d\r\nExpect: 100-continue\r\n", size), "")
		if line, err := w.in.ReadString('\n'); err != nil || !strings.Contains(line, " 100 ") {
			t.Fatalf("%s %s: %q %v", method, path, line, err)
		}
		_, _ = w.in.ReadString('\n')
		_, _ = w.Write([]byte(body[:size/2]))
		all = append(all, w)
	}
	begin("PUT", upload+"/chunks/0", "")
	begin("PUT", "/v1/hosts/web-1/files"+sshd.Root+"/b", "")
	begin("POST", "/tus/web-1"+sshd.Root+"/", fmt.Sprintf("Tus-Resumable: 1.0.0\r\nUpload-Length: %d\r\nUpload-Metadata: filename Yw==\r\n"+
		"Content-Type: application/offset+octet-stream\r\n", size))
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	for i, w := range all {
		res, answer := w.hears()
		if res.StatusCode != 503 || res.Header.Get("Retry-After") == "" || answer != nil && answer["code"] != "shutting-down" {
			t.Errorf("body %d: %d %v", i, res.StatusCode, answer)
		}
	}
	if status := p.exits(); status != 0 {
		t.Errorf("exit status %d", status)
	}
	for _, blamed := range []string{"invalid-request", "host-", "registry-unavailable", "does not answer", "was not told", "client is closed", "internal"} {
		if strings.Contains(p.log(), blamed) {
			t.Errorf("the log says %q", blamed)
		}
	}
}
