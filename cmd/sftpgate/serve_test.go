package main

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"sftpgate/gateway/registry/registrytest"
	"sftpgate/remote/remotetest"
)

func randomFile(t *testing.T, path string, size int) []byte {
	t.Helper()
	b := make([]byte, size)
	_, _ = rand.Read(b)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return b
}

// The main job with the tools that people have: curl, OpenSSH, Redis.
func TestCurlToOpenSSHWithRedis(t *testing.T) {
	t.Parallel()
	sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	redis := registrytest.StartRedis(t)
	p, base := serving(t, "--hosts", yamlOf(t, sshd.Host("web-1")), "--redis", redis.URL(), "--auth", "header", "--trusted-proxy", "127.0.0.1")
	away := t.TempDir()
	want := randomFile(t, filepath.Join(away, "in.bin"), 5<<20+12345)
	target := filepath.Join(sshd.Root, "a b.bin")
	out := sh(t, away, `
		curl() { command curl -sS --fail-with-body -H 'X-User: alice' "$@"; }
		id=$(curl -d '{"host":"web-1","path":"'"$2"'","size":5255225,"chunk_size":1048576}' "$1/v1/uploads" | sed 's/.*"id":"\([^"]*\)".*/\1/')
		for i in 5 0 3 1 4; do
			dd if=in.bin bs=1048576 skip=$i count=1 2>/dev/null | curl -o /dev/null -T - "$1/v1/uploads/$id/chunks/$i"
		done
		echo; command curl -sS -o /dev/null -w 'stranger %{http_code}\n' -H 'X-User: bob' -d '{"host":"web-1","path":"'"$2"'","size":1}' "$1/v1/uploads"
		command curl -sS -o /dev/null -w 'early %{http_code}\n' -H 'X-User: alice' -X POST "$1/v1/uploads/$id/merge"
		dd if=in.bin bs=1048576 skip=2 count=1 2>/dev/null | curl -o /dev/null -T - "$1/v1/uploads/$id/chunks/2"
		test ! -e "$2"
		curl -X POST "$1/v1/uploads/$id/merge"
		until curl "$1/v1/uploads/$id" | grep '"state":"done"' >/dev/null; do sleep 0.05; done
		echo finished
		command curl -sS -o /dev/null -w 'nobody %{http_code}\n' "$1/v1/uploads"
		cmp in.bin "$2"`, base, target)
	for _, line := range []string{"stranger 423", "early 409", "finished", "nobody 401"} {
		if !strings.Contains(out, line) {
			t.Errorf("no %q in\n%s", line, out)
		}
	}
	if got, err := os.ReadFile(target); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	p.poll("nothing but the file", func() bool {
		left, _ := os.ReadDir(sshd.Root)
		return len(left) == 1
	})
}

// request gives the status and the answer, 0 where there was none.
func request(method, url string, body io.Reader) (int, map[string]any) {
	r, err := http.NewRequest(method, url, body)
	if err != nil {
		return 0, nil
	}
	if body != nil {
		r.Header.Set("Expect", "100-continue") // a body that is read is one that the gateway has asked for
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, nil
	}
	return decoded(res)
}

func decoded(res *http.Response) (int, map[string]any) {
	defer res.Body.Close()
	var answer map[string]any
	_ = json.NewDecoder(res.Body).Decode(&answer)
	return res.StatusCode, answer
}

// measured has a gateway show its metrics, to those who are in the way of no request.
var measured = []string{"--metrics-listen", "127.0.0.1:0"}

// takes waits until n bodies are on their way in. What a client has written may
// still stand in the kernel, for a gateway that has not even accepted it.
func (p *process) takes(n int) {
	p.t.Helper()
	metrics := "http://" + p.logged("serving metrics")["address"].(string)
	p.poll("the bodies to come in", func() bool { return value(scrape(p.t, metrics, nil), "bodies_in_flight") == float64(n) })
}

// Running chunks end with their 200, nothing new begins, the exit status is 0,
// and the next gateway goes on with what was acknowledged.
func TestStopUnderLoad(t *testing.T) {
	t.Parallel()
	sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	args := append([]string{"--hosts", yamlOf(t, sshd.Host("web-1")), "--state", t.TempDir(), "--drain", "1h"}, measured...)
	p, base := serving(t, args...)
	const chunk, chunks, running = 1 << 20, 8, 4
	data := make([]byte, chunk*chunks)
	_, _ = rand.Read(data)
	open := fmt.Sprintf(`{"host":"web-1","path":%q,"size":%d,"chunk_size":%d}`, filepath.Join(sshd.Root, "x"), len(data), chunk)
	status, u := request("POST", base+"/v1/uploads", strings.NewReader(open))
	if status != 201 {
		t.Fatalf("%d %v", status, u)
	}
	put := func(base string, i int, body io.Reader) int {
		status, _ := request("PUT", fmt.Sprintf("%s/v1/uploads/%s/chunks/%d", base, u["id"], i), body)
		return status
	}
	// Half of each is there when the gateway is told to stop, the rest comes then.
	var wg sync.WaitGroup
	var feeds [running]*io.PipeWriter
	var statuses [running]int
	for i := range running {
		body, feed := io.Pipe()
		feeds[i] = feed
		wg.Go(func() { statuses[i] = put(base, i, body) })
		_, _ = feed.Write(data[i*chunk:][:chunk/2])
	}
	p.takes(running)
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	p.logged("stopping")
	for i, feed := range feeds {
		_, _ = feed.Write(data[i*chunk:][chunk/2 : chunk])
		_ = feed.Close()
	}
	if got := p.exits(); got != 0 {
		t.Errorf("exit status %d", got)
	}
	wg.Wait()
	for i, s := range statuses {
		if s != 200 {
			t.Errorf("chunk %d, which was under way: status %d", i, s)
		}
	}

	p, base = serving(t, args...)
	status, again := request("POST", base+"/v1/uploads", strings.NewReader(open))
	if status != 200 || again["id"] != u["id"] || again["received_bytes"] != float64(running*chunk) {
		t.Fatalf("not the same upload with what was acknowledged: %d %v", status, again)
	}
	for i := running; i < chunks; i++ {
		if s := put(base, i, bytes.NewReader(data[i*chunk:][:chunk])); s != 200 {
			t.Fatalf("chunk %d: status %d", i, s)
		}
	}
	request("POST", fmt.Sprintf("%s/v1/uploads/%s/merge", base, u["id"]), nil)
	p.poll("the end", func() bool {
		_, u = request("GET", fmt.Sprintf("%s/v1/uploads/%s", base, u["id"]), nil)
		return u["state"] == "done"
	})
	if got, err := os.ReadFile(filepath.Join(sshd.Root, "x")); err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d bytes, %v, %v", len(got), err, u)
	}
}

// A request that does not end is cut off when the drain time is over, and that is no failure.
func TestDrainEnds(t *testing.T) {
	t.Parallel()
	sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	p, base := serving(t, append([]string{"--hosts", yamlOf(t, sshd.Host("web-1")), "--state", t.TempDir(), "--drain", "200ms"}, measured...)...)
	body, in := io.Pipe()
	defer in.Close()
	go request("PUT", base+"/v1/hosts/web-1/files"+sshd.Root+"/endless", body)
	_, _ = in.Write(make([]byte, 1<<20))
	p.takes(1)
	if status := p.stop(syscall.SIGTERM); status != 0 {
		t.Errorf("exit status %d", status)
	}
	if cut := p.logged("requests did not finish in time and were cut off; nothing acknowledged is lost"); cut["drain"] != "200ms" {
		t.Errorf("cut off after %v", cut["drain"])
	}
	if exists(filepath.Join(sshd.Root, "endless")) {
		t.Error("half a file was published")
	}
}

// Who cannot wait sends the signal twice.
func TestSecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	p, base := serving(t, append([]string{"--hosts", yamlOf(t, sshd.Host("web-1")), "--state", t.TempDir(), "--drain", "1h"}, measured...)...)
	body, in := io.Pipe()
	defer in.Close()
	go request("PUT", base+"/v1/hosts/web-1/files"+sshd.Root+"/endless", body)
	_, _ = in.Write(make([]byte, 1<<20))
	p.takes(1)
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	p.logged("stopping")
	if status := p.stop(syscall.SIGTERM); status == 0 {
		t.Error("exit status 0 although a request was cut off")
	}
}
