package browsertest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	wait "sftpgate/remote/remotetest/await"
)

// Browser is one Chromium, behind drive.mjs.
type Browser struct {
	mu      sync.Mutex
	in      io.Writer
	count   int
	answers map[int]chan message
	pages   map[int]*Page
}

// message is a line of drive.mjs: the answer to a request, what a page tells, or an
// error that nothing in a page caught.
type message struct {
	ID    int
	Value json.RawMessage
	Page  int
	Told  []string
	Error string
}

// Start starts a browser, which ends with the test.
func Start(t testing.TB) *Browser {
	t.Helper()
	b, end, err := start(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ended := make(chan error, 1)
		go func() { ended <- end() }()
		if err := wait.Receive(t, "the browser to end", ended); err != nil {
			t.Error(err)
		}
	})
	return b
}

// start starts a browser with its profile in dir. end closes it, and waits until it is gone.
func start(dir string) (b *Browser, end func() error, err error) {
	_, file, _, _ := runtime.Caller(0)
	b = &Browser{answers: map[int]chan message{}, pages: map[int]*Page{}}
	cmd := exec.Command("node", filepath.Join(filepath.Dir(file), "drive.mjs"))
	cmd.Env = append(os.Environ(), "TMPDIR="+dir)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, nil, fmt.Errorf("node: %w; make parts installs it", err)
	}
	b.in = in
	read := make(chan struct{})
	go func() { defer close(read); b.read(out) }()
	return b, func() error {
		_ = in.Close()
		<-read
		if err := cmd.Wait(); err != nil {
			return fmt.Errorf("drive.mjs: %w\n%s", err, errs.String())
		}
		return nil
	}, nil
}

// read hands on what drive.mjs says until it ends, and then nobody waits any more.
func (b *Browser) read(out io.Reader) {
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			break
		}
		var m message
		if err := json.Unmarshal(line, &m); err != nil {
			m.Error = err.Error()
		}
		b.mu.Lock()
		p, asked := b.pages[m.Page], b.answers[m.ID]
		delete(b.answers, m.ID)
		b.mu.Unlock()
		if asked != nil {
			asked <- m
		} else if p != nil {
			p.hear(m)
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.answers {
		c <- message{Error: "drive.mjs has ended"}
	}
	b.answers = nil
}

// ask sends a request and reads its answer into value, unless that is nil.
func (b *Browser) ask(t testing.TB, do string, with map[string]any, value any) {
	t.Helper()
	got := make(chan message, 1)
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
	m := wait.Receive(t, "the browser to "+do, got)
	if m.Error != "" {
		t.Fatalf("%s %v: %s", do, with, m.Error)
	}
	if value == nil {
		return
	}
	if err := json.Unmarshal(m.Value, value); err != nil {
		t.Fatalf("%s: %v in %s", do, err, m.Value)
	}
}
