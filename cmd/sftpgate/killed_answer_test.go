package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sftpgate/gateway/registry/registrytest"
	"sftpgate/remote/remotetest"
	wait "sftpgate/remote/remotetest/await"
)

// Answers that never reach the client: it sends the same request again.

// lossy is a client whose answers can be lost on their way.
type lossy struct {
	*doomed
	proxy  *remotetest.Proxy
	digest string // of the body; "" is not declared
}

func (l lossy) send(client *http.Client, method, url string, body []byte) (int, map[string]any, error) {
	r, err := http.NewRequest(method, url, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	if l.digest != "" {
		r.Header.Set("Content-Digest", l.digest)
	}
	res, err := client.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	var answer map[string]any
	_ = json.NewDecoder(res.Body).Decode(&answer)
	return res.StatusCode, answer, nil
}

// loses sends a request, and breaks the connection when the gateway has answered
// and nothing of the answer has arrived.
func (l lossy) loses(method, path string, body []byte) {
	l.t.Helper()
	before := len(l.p.log())
	l.proxy.Stall(remotetest.FromHost, true)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	failed := make(chan error, 1)
	go func() {
		_, _, err := l.send(client, method, "http://"+l.proxy.Addr+path, body)
		failed <- err
	}()
	l.p.poll("the answer to "+method+" "+path, func() bool {
		for line := range strings.Lines(l.p.log()[before:]) {
			if strings.Contains(line, `"msg":"request"`) && strings.Contains(line, `"path":"`+path+`"`) && strings.Contains(line, `"status":2`) {
				return true
			}
		}
		return false
	})
	l.proxy.Cut()
	if err := wait.Receive(l.t, "the connection to break", failed); err == nil {
		l.t.Fatalf("%s %s: the answer has arrived", method, path)
	}
	l.proxy.Stall(remotetest.FromHost, false)
}

// again sends it once more, and returns the answer.
func (l lossy) again(method, path string, body []byte) map[string]any {
	l.t.Helper()
	status, answer, err := l.send(http.DefaultClient, method, l.base+path, body)
	if err != nil || status < 200 || status > 299 {
		l.t.Errorf("%s %s once more: %d %v, %v", method, path, status, answer, err)
	}
	return answer
}

// held are the names of files on the host, and what they take.
func (l lossy) held() (names []string, bytes int64) {
	_ = filepath.WalkDir(l.dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() && !strings.HasPrefix(e.Name(), "record.") && !strings.HasPrefix(e.Name(), "stamp.") {
			names = append(names, e.Name())
			if info, err := e.Info(); err == nil {
				bytes += info.Size()
			}
		}
		return nil
	})
	return names, bytes
}

func TestAnswersAreLost(t *testing.T) {
	t.Parallel()
	sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	d := doom(t, sshd, "lossy", "", "auto", registrytest.StartRedis(t).URL())
	d.start("")
	l := lossy{doomed: d, proxy: remotetest.StartProxy(t, strings.TrimPrefix(d.base, "http://"))}
	var want []byte
	for i := range 3 {
		want = append(want, pieceOf(i, killedPiece)...)
	}

	// Of an upload whose size is not known yet one chunk is not merged.
	open := fmt.Appendf(nil, `{"host":"web-1","path":%q,"chunk_size":%d}`, d.target, killedPiece)
	l.loses("POST", "/v1/uploads", open)
	first := l.again("POST", "/v1/uploads", open)
	id, _ := first["id"].(string)
	if gens, _ := filepath.Glob(filepath.Join(d.dir, ".disk.img.sftpgate/*/gen-*")); len(gens) != 1 {
		t.Errorf("generations: %v", gens)
	}
	chunk := func(i int) string { return fmt.Sprintf("/v1/uploads/%s/chunks/%d", id, i) }
	l.loses("PUT", chunk(0), want[:killedPiece])
	names, use := l.held()
	if len(names) != 1 || use != killedPiece {
		t.Fatalf("held after the answer: %v, %d bytes", names, use)
	}
	for range 2 {
		if answer := l.again("PUT", chunk(0), want[:killedPiece]); answer["received_bytes"] != float64(killedPiece) {
			t.Errorf("%v", answer)
		}
	}
	if after, n := l.held(); len(after) != 1 || after[0] != names[0] || n != use {
		t.Errorf("held after the same chunk once more: %v, %d bytes, before it %v, %d", after, n, names, use)
	}
	if status, answer := request("PUT", d.base+chunk(0), bytes.NewReader(want[killedPiece:2*killedPiece])); status != 409 || answer["code"] != "chunk-conflict" {
		t.Errorf("other bytes: %d %v", status, answer)
	}

	// And one that is merged already.
	l.again("PUT", chunk(1), want[killedPiece:2*killedPiece])
	l.loses("PUT", chunk(2), want[2*killedPiece:])
	merged := func() bool {
		_, answer := request("GET", d.base+"/v1/uploads/"+id, nil)
		names, use := l.held()
		return answer["merged_bytes"] == float64(len(want)) && len(names) == 1 && use == int64(len(want))
	}
	d.p.poll("the merge", merged)
	for i := range 3 {
		l.again("PUT", chunk(i), want[i*killedPiece:(i+1)*killedPiece])
	}
	if !merged() {
		names, use := l.held()
		t.Errorf("held after the same chunks once more: %v, %d bytes", names, use)
	}

	// The wish to finish, while it goes on or when it is over.
	finish := fmt.Appendf(nil, `{"size":%d}`, len(want))
	l.loses("POST", "/v1/uploads/"+id+"/merge", finish)
	l.again("POST", "/v1/uploads/"+id+"/merge", finish)
	d.p.poll("the end", func() bool {
		return l.again("POST", "/v1/uploads/"+id+"/merge", finish)["state"] == "done"
	})
	if got, err := os.ReadFile(d.target); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if left := d.staging(); len(left) > 0 {
		t.Errorf("staging is left: %v", left)
	}
	if n := strings.Count(d.p.log(), `"msg":"upload done"`); n != 1 {
		t.Errorf("it was published %d times", n)
	}

	// A whole file in one request: it is there, and stays as it is.
	sum := sha256.Sum256([]byte("small"))
	small := filepath.Join(d.dir, "small.txt")
	l.digest = "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":" // or nobody knows that it is the same
	l.loses("PUT", "/v1/hosts/web-1/files"+small, []byte("small"))
	before, _ := os.Stat(small)
	l.again("PUT", "/v1/hosts/web-1/files"+small, []byte("small"))
	if after, err := os.Stat(small); err != nil || !os.SameFile(before, after) {
		t.Errorf("it was written once more: %v", err)
	}
	if got, err := os.ReadFile(small); err != nil || string(got) != "small" {
		t.Errorf("%q, %v", got, err)
	}
	if names, _ := l.held(); len(names) != 2 {
		t.Errorf("held at the end: %v", names)
	}
}
