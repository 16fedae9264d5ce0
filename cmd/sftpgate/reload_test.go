package main

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sftpgate/remote/hosts"
)

// following runs a reloader over a file with this text, in the time of a bubble.
type following struct {
	t     *testing.T
	file  string
	asked chan os.Signal

	mu    sync.Mutex
	log   bytes.Buffer
	taken []string // the ids of each set that was applied
}

// Write takes the log.
func (f *following) Write(b []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.log.Write(b)
}

func (f *following) take(set *hosts.Set) {
	var ids []string
	for _, h := range set.All() {
		ids = append(ids, h.ID)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.taken = append(f.taken, strings.Join(ids, " "))
}

func follow(t *testing.T, text string) *following {
	t.Helper()
	f := &following{t: t, file: hostsFile(t, text), asked: make(chan os.Signal, 1)}
	set, err := hosts.Load(f.file)
	if err != nil {
		t.Fatal(err)
	}
	r := &reloader{file: f.file, set: set, log: slog.New(slog.NewTextHandler(f, nil)), apply: f.take, read: func(bool) {}}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.run(ctx, f.asked)
	}()
	t.Cleanup(func() { cancel(); <-ended })
	return f
}

// pass lets time go by and returns what was logged and taken in it.
func (f *following) pass(d time.Duration) (log, taken string) {
	f.t.Helper()
	time.Sleep(d)
	return f.sofar()
}

// hangup asks for the file to be read and waits for that.
func (f *following) hangup() (log, taken string) {
	f.t.Helper()
	f.asked <- os.Interrupt
	return f.sofar()
}

func (f *following) sofar() (log, taken string) {
	synctest.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	log, taken = f.log.String(), strings.Join(f.taken, ", ")
	f.log.Reset()
	f.taken = nil
	return log, taken
}

// put renames a new file into the place of the old one, which keeps the old time.
func (f *following) put(text string) {
	f.t.Helper()
	old, err := os.Stat(f.file)
	if err != nil {
		f.t.Fatal(err)
	}
	if err := os.WriteFile(f.file+".new", []byte(text), 0o600); err != nil {
		f.t.Fatal(err)
	}
	if err := os.Chtimes(f.file+".new", old.ModTime(), old.ModTime()); err != nil {
		f.t.Fatal(err)
	}
	if err := os.Rename(f.file+".new", f.file); err != nil {
		f.t.Fatal(err)
	}
}

const (
	oneHost  = "defaults: {user: u, agent: true, known_hosts: /none, roots: [/srv]}\nhosts:\n  h: {address: 127.0.0.1}\n"
	twoHosts = oneHost + "  i: {address: 127.0.0.2, jump: hop}\n  hop: {address: 127.0.0.3, roots: []}\n"
)

func wantLog(t *testing.T, log string, words ...string) {
	t.Helper()
	if len(words) == 0 && log != "" {
		t.Errorf("said %s", log)
	}
	for _, w := range words {
		if !strings.Contains(log, w) {
			t.Errorf("no %q in %q", w, log)
		}
	}
}

func TestChangedHostsFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := follow(t, oneHost)
		log, taken := f.pass(time.Minute)
		wantLog(t, log)
		if taken != "h" { // once, to have something to compare with
			t.Errorf("taken: %s", taken)
		}
		f.put(twoHosts)
		if log, taken = f.pass(5 * time.Second); taken != "h i" {
			t.Errorf("taken: %q", taken)
		}
		wantLog(t, log, "level=INFO", "hosts changed", `added="[i hop]"`, f.file)
		if strings.Contains(log, "removed") || strings.Contains(log, "changed=") {
			t.Errorf("%s", log)
		}
		f.put(strings.Replace(oneHost, "127.0.0.1", "127.0.0.9", 1))
		log, _ = f.pass(5 * time.Second)
		wantLog(t, log, "removed=\"[i hop]\"", "changed=[h]")
		if log, taken = f.pass(time.Hour); log+taken != "" {
			t.Errorf("%s %s", log, taken)
		}
	})
}

// A file that is being written is left alone until it stays as it is.
func TestHostsFileInTheMaking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := follow(t, oneHost)
		f.pass(10 * time.Second)
		text := oneHost
		for i := range 40 {
			text += "#" + strings.Repeat("x", i) + "\n"
			f.put(text + "  half: {addr")
			if log, taken := f.pass(500 * time.Millisecond); log+taken != "" {
				t.Fatalf("%s %s", log, taken)
			}
		}
		if err := os.Remove(f.file); err != nil { // some write by taking away and making anew
			t.Fatal(err)
		}
		f.pass(900 * time.Millisecond)
		if err := os.WriteFile(f.file, []byte(twoHosts), 0o600); err != nil {
			t.Fatal(err)
		}
		log, taken := f.pass(5 * time.Second)
		wantLog(t, log, "hosts changed")
		if taken != "h i" || strings.Contains(log, "ERROR") {
			t.Errorf("%s %s", log, taken)
		}
	})
}

// A broken file is told of once, with the place and what to do; the hosts stay.
func TestBrokenHostsFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := follow(t, oneHost)
		f.pass(10 * time.Second)
		for name, c := range map[string]struct {
			text  string
			words []string
		}{
			"misspelt": {strings.Replace(oneHost, "address", "adress", 1), []string{f.file + ":3:7: unknown key", "remove it or correct it"}},
			"emptied":  {"", []string{"the hosts: key is missing"}},
			"cut":      {oneHost + "  i: {address: ", []string{f.file + ":4:"}},
		} {
			f.put(c.text)
			log, taken := f.pass(time.Minute)
			wantLog(t, log, append(c.words, "level=ERROR", "keeping the previous hosts")...)
			if strings.Count(log, "\n") != 1 || taken != "" {
				t.Errorf("%s: %s %s", name, log, taken)
			}
		}
		if log, taken := f.hangup(); !strings.Contains(log, "level=ERROR") || taken != "" {
			t.Errorf("who asks is not told: %s %s", log, taken)
		}
		f.put(oneHost)
		log, _ := f.pass(5 * time.Second)
		wantLog(t, log, "hosts file reloaded, no changes")

		if err := os.Remove(f.file); err != nil {
			t.Fatal(err)
		}
		log, _ = f.pass(time.Minute)
		wantLog(t, log, "level=ERROR", "cannot read the hosts file", "no such file")
		if strings.Count(log, "\n") != 1 {
			t.Errorf("%s", log)
		}
		if err := os.WriteFile(f.file, []byte(twoHosts), 0o600); err != nil {
			t.Fatal(err)
		}
		log, taken := f.pass(5 * time.Second)
		wantLog(t, log, "hosts changed")
		if taken != "h i" {
			t.Errorf("taken: %s", taken)
		}
	})
}

// A config map is a link to a directory that is swapped.
func TestHostsFileBehindALink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := follow(t, oneHost)
		dir := filepath.Dir(f.file)
		for name, text := range map[string]string{"1": oneHost, "2": twoHosts} {
			if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, name, "hosts.yaml"), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		swap := func(from, to string) {
			t.Helper()
			if err := os.Symlink(to, filepath.Join(dir, "next")); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(filepath.Join(dir, "next"), from); err != nil {
				t.Fatal(err)
			}
		}
		swap(filepath.Join(dir, "data"), "1")
		swap(f.file, "data/hosts.yaml")
		f.pass(10 * time.Second)
		swap(filepath.Join(dir, "data"), "2")
		if _, taken := f.pass(5 * time.Second); taken != "h i" {
			t.Errorf("taken: %q", taken)
		}
	})
}

// Who asks gets an answer at once, and it is the file as it is then.
func TestHangup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := follow(t, oneHost)
		log, _ := f.hangup()
		wantLog(t, log, "hosts file reloaded, no changes")
		f.put(twoHosts)
		log, taken := f.hangup()
		wantLog(t, log, "hosts changed")
		if taken != "h i" {
			t.Errorf("taken: %q", taken)
		}
		if log, taken = f.pass(time.Hour); log+taken != "" {
			t.Errorf("%s %s", log, taken)
		}
	})
}
