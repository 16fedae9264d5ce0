package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sftpgate/gateway/registry/registrytest"
	"sftpgate/remote/remotetest"
)

// A curl -T that is killed in the middle: what arrived is kept, and ranges
// finish what it began.
func TestCurlCutInTheMiddle(t *testing.T) {
	t.Parallel()
	sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	redis := registrytest.StartRedis(t)
	p, base := serving(t, "--hosts", yamlOf(t, sshd.Host("web-1")), "--redis", redis.URL())
	want := pieceOf(0, 40*mib)
	target := filepath.Join(sshd.Root, "x.bin")

	// As it is with -T of a file, of which the rest never comes.
	curl := exec.Command("curl", "-sS", "-T", "-", "-H", "Transfer-Encoding:", "-H", fmt.Sprintf("Content-Length: %d", len(want)), base+"/v1/hosts/web-1/files"+target)
	curl.Env = cleanEnv()
	feed, err := curl.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := curl.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := feed.Write(want[:12*mib]); err != nil {
		t.Fatal(err)
	}
	received := func() (id string, n int64) {
		_, answer := request("GET", base+"/v1/uploads", nil)
		for _, u := range answer["uploads"].([]any) {
			u := u.(map[string]any)
			id, n = u["id"].(string), int64(u["received_bytes"].(float64))
		}
		return id, n
	}
	p.poll("a segment to arrive", func() bool { _, n := received(); return n >= 8*mib })
	_ = curl.Process.Kill()
	_ = curl.Wait()

	if _, err := os.Lstat(target); !os.IsNotExist(err) {
		t.Fatalf("the target is visible: %v", err)
	}
	open := fmt.Sprintf(`{"host":"web-1","path":%q,"size":%d}`, target, len(want))
	status, answer := request("POST", base+"/v1/uploads", strings.NewReader(open))
	if status != 200 {
		t.Fatalf("open again: %d %v", status, answer)
	}
	id, _ := answer["id"].(string)
	p.poll("the cut body to be settled", func() bool {
		_, answer = request("GET", base+"/v1/uploads/"+id, nil)
		return len(answer["received"].([]any)) == 1
	})
	got := answer["received"].([]any)[0].([]any)
	from, to := int(got[0].(float64)), int(got[1].(float64))
	if from != 0 || to < 8*mib || to >= len(want) {
		t.Fatalf("received %v", answer["received"])
	}
	put, err := http.NewRequest("PUT", base+"/v1/uploads/"+id+"/data", bytes.NewReader(want[to:]))
	if err != nil {
		t.Fatal(err)
	}
	put.Header.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", to, len(want)-1, len(want)))
	res, err := http.DefaultClient.Do(put)
	if err != nil || res.StatusCode != 200 {
		t.Fatalf("the rest: %v, %v", res, err)
	}
	_ = res.Body.Close()
	request("POST", base+"/v1/uploads/"+id+"/merge", http.NoBody)
	p.poll("the file", func() bool {
		_, answer = request("GET", base+"/v1/uploads/"+id, nil)
		return answer["state"] == "done"
	})
	if file, err := os.ReadFile(target); err != nil || !bytes.Equal(file, want) {
		t.Errorf("%d bytes, %v", len(file), err)
	}
}

// Troubles of hosts as a client of the API sees them.
func TestTroublesOverHTTP(t *testing.T) {
	t.Parallel()
	sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	down, key, login := sshd.Host("down"), sshd.Host("key"), sshd.Host("login")
	down.Port = 1
	key.HostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPXhIl6ErICEQSHaBPCSrHfiuQ/1L68zdq0lBNBJqiX0"
	stranger := filepath.Join(t.TempDir(), "another_key")
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", stranger).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	login.KeyFile = stranger
	yaml := yamlOf(t, sshd.Host("web-1"), down, key, login)
	_, base := serving(t, "--hosts", yaml, "--state", t.TempDir())
	for _, c := range []struct {
		host, path string
		status     int
		code       string
	}{
		{"down", sshd.Root + "/f", 503, "host-unreachable"},
		{"key", sshd.Root + "/f", 502, "host-refused"},
		{"login", sshd.Root + "/f", 502, "host-refused"},
		{"web-9", sshd.Root + "/f", 404, "unknown-host"},
		{"web-1", "/etc/f", 403, "path-forbidden"},
		{"web-1", sshd.Root + "/../f", 403, "path-forbidden"},
		{"web-1", sshd.Root + "/none/f", 409, "no-such-directory"},
		{"web-1", sshd.Root, 409, "not-a-file"},
	} {
		body := fmt.Sprintf(`{"host":%q,"path":%q,"size":1}`, c.host, c.path)
		status, answer := request("POST", base+"/v1/uploads", strings.NewReader(body))
		detail, _ := answer["detail"].(string)
		if status != c.status || answer["code"] != c.code || len(detail) < 20 {
			t.Errorf("%s %s: %d %v", c.host, c.path, status, answer)
		}
	}
	if left, _ := os.ReadDir(sshd.Root); len(left) != 0 {
		t.Errorf("something is left: %v", left)
	}
}
