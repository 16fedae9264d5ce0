package examples_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"sync"
	"testing"

	wait "sftpgate/remote/remotetest/await"
)

// browser is one Chromium for all tests, behind drive.mjs.
type browser struct {
	mu      sync.Mutex
	in      io.Writer
	count   int
	answers map[int]chan answer
	pages   map[int]*page
}

// answer is a line of drive.mjs: to a request, or of what a page shows.
type answer struct {
	ID    int
	Value json.RawMessage
	Error string

	Page              int
	Name, State, Text string
}

func startBrowser(t *testing.T) *browser {
	t.Helper()
	b := &browser{answers: map[int]chan answer{}, pages: map[int]*page{}}
	cmd := exec.Command("node", "drive.mjs")
	cmd.Env = append(os.Environ(), "TMPDIR="+t.TempDir()) // the browser's profile
	var errs bytes.Buffer
	cmd.Stderr = &errs
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("node: %v; make parts installs it", err)
	}
	b.in = in
	read := make(chan struct{})
	go func() { defer close(read); b.read(out) }()
	t.Cleanup(func() {
		_ = in.Close()
		wait.Receive(t, "the browser to end", read)
		if err := cmd.Wait(); err != nil {
			t.Errorf("drive.mjs: %v\n%s", err, errs.String())
		}
	})
	return b
}

// read hands on what drive.mjs says until it ends, and then nobody waits any more.
func (b *browser) read(out io.Reader) {
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			break
		}
		var a answer
		if err := json.Unmarshal(line, &a); err != nil {
			a.Error = err.Error()
		}
		b.mu.Lock()
		p, asked := b.pages[a.Page], b.answers[a.ID]
		delete(b.answers, a.ID)
		b.mu.Unlock()
		if asked != nil {
			asked <- a
		} else if p != nil {
			p.shows(a)
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.answers {
		c <- answer{Error: "drive.mjs has ended"}
	}
	b.answers = nil
}

// ask sends a request and reads its answer into value.
func (b *browser) ask(t *testing.T, do string, with map[string]any, value any) {
	t.Helper()
	got := make(chan answer, 1)
	b.mu.Lock()
	if b.answers == nil {
		b.mu.Unlock()
		t.Fatalf("%s: drive.mjs has ended", do)
	}
	b.count++
	request := map[string]any{"id": b.count, "do": do}
	for k, v := range with {
		request[k] = v
	}
	b.answers[b.count] = got
	line, err := json.Marshal(request)
	if err == nil {
		_, err = b.in.Write(append(line, '\n'))
	}
	b.mu.Unlock()
	if err != nil {
		t.Fatalf("%s: %v", do, err)
	}
	a := wait.Receive(t, "the browser to "+do, got)
	if a.Error != "" {
		t.Fatalf("%s %v: %s", do, with, a.Error)
	}
	if value == nil {
		return
	}
	if err := json.Unmarshal(a.Value, value); err != nil {
		t.Fatalf("%s: %v in %s", do, err, a.Value)
	}
}
