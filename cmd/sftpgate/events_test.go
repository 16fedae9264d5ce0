package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"testing"

	"sftpgate/gateway/registry/registrytest"
	"sftpgate/remote/remotetest"
	wait "sftpgate/remote/remotetest/await"
)

// stream is a curl -N that follows an upload.
type stream struct {
	cmd   *exec.Cmd
	ended chan struct{}
	mu    sync.Mutex
	seen  []told
}

// told is one event.
type told struct {
	name   string
	upload map[string]any
}

func (e told) bytes(which string) int { n, _ := e.upload[which+"_bytes"].(float64); return int(n) }

func listenIn(t *testing.T, base, id string) *stream {
	t.Helper()
	s := &stream{cmd: exec.Command("curl", "-sSN", "--fail-with-body", base+"/v1/uploads/"+id+"/events"), ended: make(chan struct{})}
	s.cmd.Env = cleanEnv()
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.cmd.Process.Kill(); wait.Receive(t, "curl to end", s.ended) })
	go func() {
		defer close(s.ended)
		var e told
		for lines := bufio.NewScanner(out); lines.Scan(); {
			name, value, _ := strings.Cut(lines.Text(), ": ")
			switch name {
			case "event":
				e = told{name: value}
			case "data":
				_ = json.Unmarshal([]byte(value), &e.upload)
				s.mu.Lock()
				s.seen = append(s.seen, e)
				s.mu.Unlock()
			}
		}
		_ = s.cmd.Wait()
	}()
	return s
}

func (s *stream) events() []told { s.mu.Lock(); defer s.mu.Unlock(); return s.seen }

func (s *stream) last() told {
	if all := s.events(); len(all) > 0 {
		return all[len(all)-1]
	}
	return told{}
}

func sendChunk(t *testing.T, base, id string, i, size int, data []byte) {
	t.Helper()
	url := fmt.Sprintf("%s/v1/uploads/%s/chunks/%d", base, id, i)
	if status, answer := request("PUT", url, bytes.NewReader(data[i*size:min(len(data), (i+1)*size)])); status != 200 {
		t.Fatalf("chunk %d: %d %v", i, status, answer)
	}
}

// Both phases move before the eyes of who asks the gateway that does not do the work.
func TestEventsFromTheOtherGateway(t *testing.T) {
	t.Parallel()
	sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	args := []string{"--hosts", yamlOf(t, sshd.Host("web-1")), "--redis", registrytest.StartRedis(t).URL()}
	_, works := serving(t, args...)
	p, watches := serving(t, args...)
	const size, chunks = 1 * mib, 5
	source := filepath.Join(t.TempDir(), "in")
	want := randomFile(t, source, size*chunks)
	target := filepath.Join(sshd.Root, "x")
	_, u := request("POST", works+"/v1/uploads", strings.NewReader(fmt.Sprintf(`{"host":"web-1","path":%q,"size":%d,"chunk_size":%d}`, target, len(want), size)))
	id, _ := u["id"].(string)

	here, there := listenIn(t, works, id), listenIn(t, watches, id)
	for i := range chunks {
		sendChunk(t, works, id, i, size, want)
		p.poll(fmt.Sprintf("chunk %d to be told of", i), func() bool {
			return here.last().bytes("received") == (i+1)*size && there.last().bytes("received") == (i+1)*size
		})
		if i == 2 {
			p.poll("merging to be told of", func() bool { return there.last().bytes("merged") > 0 })
			p.poll("the same list from both", func() bool {
				_, a := request("GET", works+"/v1/uploads", nil)
				_, b := request("GET", watches+"/v1/uploads", nil)
				return len(a) > 0 && reflect.DeepEqual(a, b)
			})
		}
	}
	if status, answer := request("POST", works+"/v1/uploads/"+id+"/merge", nil); status != 202 && status != 200 {
		t.Fatalf("finish: %d %v", status, answer)
	}
	for name, s := range map[string]*stream{"here": here, "there": there} {
		wait.Receive(t, "the end of the stream "+name, s.ended)
		wholeStory(t, name, s, len(want), chunks)
	}
	if got, err := os.ReadFile(target); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	// Who asks after the end is told of the end.
	late := listenIn(t, watches, id)
	wait.Receive(t, "the end of a stream that is late", late.ended)
	if all := late.events(); len(all) != 1 || all[0].name != "done" {
		t.Errorf("after the end: %v", all)
	}
}

// wholeStory wants both numbers to grow in several steps, never back, and then the end.
func wholeStory(t *testing.T, name string, s *stream, size, chunks int) {
	t.Helper()
	steps := map[string]map[int]bool{"received": {}, "merged": {}}
	for i, e := range s.events() {
		for which, seen := range steps {
			if n := e.bytes(which); i > 0 && n < s.events()[i-1].bytes(which) {
				t.Errorf("%s: %s went back to %d", name, which, n)
			} else if n > 0 {
				seen[n] = true
			}
		}
		if _, there := e.upload["received"]; there || e.upload["id"] == nil {
			t.Errorf("%s: %v", name, e.upload)
		}
		if end := i == len(s.events())-1; (e.name == "done") != end || !end && e.name != "progress" {
			t.Errorf("%s: event %d of %d is %s", name, i+1, len(s.events()), e.name)
		}
	}
	if len(steps["received"]) != chunks || len(steps["merged"]) < 2 {
		t.Errorf("%s: received %v, merged %v", name, steps["received"], steps["merged"])
	}
	if e := s.last(); e.upload["state"] != "done" || e.bytes("merged") != size || e.upload["verified"] != "spans" {
		t.Errorf("%s ended with %s %v", name, e.name, e.upload)
	}
	if code := s.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("%s: curl ended with %d", name, code)
	}
}

// A client that is cut off costs nothing, and a gateway that stops ends its streams.
func TestEventsThatEndEarly(t *testing.T) {
	t.Parallel()
	sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	p, base := serving(t, "--hosts", yamlOf(t, sshd.Host("web-1")), "--state", t.TempDir(), "--drain", "1h", "--pprof", "127.0.0.1:0")
	_, u := request("POST", base+"/v1/uploads", strings.NewReader(fmt.Sprintf(`{"host":"web-1","path":%q,"size":10}`, filepath.Join(sshd.Root, "x"))))
	id, _ := u["id"].(string)
	before := len(serversOf(t, p))
	const many = 20
	var cut []*stream
	for range many {
		cut = append(cut, listenIn(t, base, id))
	}
	for _, s := range cut {
		p.poll("the first event", func() bool { return len(s.events()) == 1 })
	}
	if during := len(serversOf(t, p)); during < before+many {
		t.Errorf("%d streams and %d goroutines, %d before: this shows nothing", many, during, before)
	}
	for _, s := range cut {
		_ = s.cmd.Process.Kill()
	}
	p.poll("nothing to be left of the clients", func() bool { return len(serversOf(t, p)) <= before+many/4 })

	status, answer := request("GET", base+"/v1/uploads/none/events", nil)
	if status != 404 || answer["code"] != "unknown-upload" {
		t.Errorf("an upload that is not: %d %v", status, answer)
	}

	last := listenIn(t, base, id)
	p.poll("the first event", func() bool { return len(last.events()) == 1 })
	if status := p.stop(syscall.SIGTERM); status != 0 { // it does not wait for them to end by themselves
		t.Errorf("status %d", status)
	}
	wait.Receive(t, "the stream to end", last.ended)
	if code := last.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("the stream was cut, curl says %d", code)
	}
}

// serversOf are the stacks of a gateway's goroutines, but for those that have to do
// with its hosts: connections to them come and go by themselves.
func serversOf(t *testing.T, p *process) (stacks []string) {
	t.Helper()
	all := string(profileOf(t, p, "goroutine?debug=2"))
	for stack := range strings.SplitSeq(all, "\n\n") {
		if !strings.Contains(stack, "sftpgate/remote/") && !strings.Contains(stack, "golang.org/x/crypto/ssh") {
			stacks = append(stacks, stack)
		}
	}
	return stacks
}

// profileOf is a profile of a gateway that answers them.
func profileOf(t *testing.T, p *process, what string) []byte {
	t.Helper()
	res, err := http.Get("http://" + p.logged("serving profiles")["address"].(string) + "/debug/pprof/" + what)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("a profile: %s, %v", res.Status, err)
	}
	return text
}
