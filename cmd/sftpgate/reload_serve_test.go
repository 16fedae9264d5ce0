package main

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"sftpgate/remote/remotetest"
	wait "sftpgate/remote/remotetest/await"
)

// What a running gateway is told by its hosts file, and by SIGHUP: new hosts come,
// old ones go, a broken file changes nothing, and uploads under way see none of it.
func TestHostsFileIsFollowed(t *testing.T) {
	t.Parallel()
	one, two := remotetest.StartSSHD(t, remotetest.SSHDOptions{}), remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	file := yamlOf(t, one.Host("web-1"), two.Host("web-2"))
	p, base := serving(t, "--hosts", file, "--state", t.TempDir())
	put := func(text string) {
		t.Helper()
		if err := os.WriteFile(file+".new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(file+".new", file); err != nil {
			t.Fatal(err)
		}
	}
	listed := func() string {
		_, answer := request("GET", base+"/v1/hosts", nil)
		var ids []string
		all, _ := answer["hosts"].([]any)
		for _, h := range all {
			ids = append(ids, h.(map[string]any)["id"].(string))
		}
		return strings.Join(ids, " ")
	}

	// A whole file on its way to web-1, and an upload in chunks to web-2.
	whole, chunks := make([]byte, 20<<20), make([]byte, 2<<20)
	_, _ = rand.Read(whole)
	_, _ = rand.Read(chunks)
	body, in := io.Pipe()
	put1 := make(chan string, 1)
	go func() {
		status, answer := request("PUT", base+"/v1/hosts/web-1/files"+one.Root+"/whole", body)
		put1 <- fmt.Sprint(status, answer["detail"])
	}()
	if _, err := in.Write(whole[:9<<20]); err != nil {
		t.Fatal(err)
	}
	open := fmt.Sprintf(`{"host":"web-2","path":%q,"size":%d,"chunk_size":%d}`, filepath.Join(two.Root, "chunks"), len(chunks), 1<<20)
	_, u := request("POST", base+"/v1/uploads", strings.NewReader(open))
	chunk := func(i int) {
		t.Helper()
		status, answer := request("PUT", fmt.Sprintf("%s/v1/uploads/%s/chunks/%d", base, u["id"], i), bytes.NewReader(chunks[i<<20:(i+1)<<20]))
		if status != 200 {
			t.Fatalf("chunk %d: %d %v", i, status, answer)
		}
	}
	chunk(0)

	// web-1 is reached at another port from now on, web-2 is gone, web-3 is new.
	moved := two.Host("web-1")
	moved.Roots = []string{one.Root}
	put(string(mustRead(t, yamlOf(t, moved, two.Host("web-3")))))
	p.poll("the new hosts", func() bool { return listed() == "web-1 web-3" })
	said := p.logged("hosts changed")
	if fmt.Sprint(said["added"], said["removed"], said["changed"]) != "[web-3] [web-2] [web-1]" {
		t.Errorf("%v", said)
	}
	if status, answer := request("POST", base+"/v1/uploads", strings.NewReader(strings.Replace(open, "chunks\"", "other\"", 1))); status != 404 {
		t.Errorf("a new upload to a host that was taken out: %d %v", status, answer)
	}
	if _, err := in.Write(whole[9<<20:]); err != nil {
		t.Fatal(err)
	}
	_ = in.Close()
	if got := wait.Receive(t, "the upload under way", put1); !strings.HasPrefix(got, "201") {
		t.Errorf("the upload under way: %s", got)
	}
	chunk(1)
	request("POST", fmt.Sprintf("%s/v1/uploads/%s/merge", base, u["id"]), nil)
	for name, want := range map[string][]byte{filepath.Join(one.Root, "whole"): whole, filepath.Join(two.Root, "chunks"): chunks} {
		p.poll(name, func() bool { return exists(name) })
		if !bytes.Equal(mustRead(t, name), want) {
			t.Errorf("%s is not what was sent", name)
		}
	}
	p.poll("the old way's end", func() bool { return len(one.Children()) == 0 })

	put("hosts:\n  web-1: {adress: 192.0.2.1}\n")
	broken := p.logged("cannot use the hosts file; keeping the previous hosts until it is fixed")
	if text := fmt.Sprint(broken["error"]); broken["level"] != "ERROR" || !strings.Contains(text, file+`:2:11: unknown key "adress": remove it or correct it`) || listed() != "web-1 web-3" {
		t.Errorf("%v, hosts %s", broken, listed())
	}
	put(string(mustRead(t, yamlOf(t, one.Host("web-9")))))
	_ = p.cmd.Process.Signal(syscall.SIGHUP)
	p.poll("what was asked for", func() bool { return listed() == "web-9" })
	_ = p.cmd.Process.Signal(syscall.SIGHUP)
	p.poll("an answer to who asks again", func() bool { return p.times("hosts file reloaded, no changes") == 1 })
	if n := p.times("cannot use the hosts file"); n != 1 {
		t.Errorf("the broken file was told of %d times", n)
	}
	if status := p.stop(syscall.SIGTERM); status != 0 {
		t.Errorf("exit status %d", status)
	}
}

func mustRead(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A host that is wrong from the beginning is mended while the gateway runs: nobody
// waits for the back-off of what was wrong.
func TestHostIsMendedWhileServing(t *testing.T) {
	t.Parallel()
	sshd, other := remotetest.StartSSHD(t, remotetest.SSHDOptions{}), remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	wrong := sshd.Host("web-1")
	wrong.KeyFile = other.KeyFile
	file := yamlOf(t, wrong)
	p, base := serving(t, "--hosts", file, "--state", t.TempDir())
	send := func() (int, map[string]any) {
		return request("PUT", base+"/v1/hosts/web-1/files"+sshd.Root+"/x", strings.NewReader("x"))
	}
	if status, answer := send(); status != 502 {
		t.Fatalf("%d %v", status, answer)
	}
	text := mustRead(t, yamlOf(t, sshd.Host("web-1")))
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	_ = p.cmd.Process.Signal(syscall.SIGHUP)
	p.logged("hosts changed")
	if status, answer := send(); status != 201 {
		t.Errorf("the back-off of the wrong key stands: %d %v", status, answer)
	}
}
