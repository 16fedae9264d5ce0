package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sftpgate/gateway"
)

// logged is a log that can be read while it is written.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *logged) log() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// kept are the entries and claims of a state file as it grows in use: with branches,
// values longer than a page, and free pages.
type kept struct {
	content []byte
	used    int // the bytes up to the last page in use
	entries []gateway.Entry
}

var aStore = sync.OnceValues(func() (*kept, error) {
	dir, err := os.MkdirTemp("", "sftpgate-state-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "registry.db")
	b, err := OpenBolt(path, nil)
	if err != nil {
		return nil, err
	}
	k := &kept{}
	for i := range 90 {
		e := newEntry(fmt.Sprintf("user-%d", i%7))
		e.Pending = i%3 == 0
		if i%15 == 0 {
			e.Upload.Note = strings.Repeat("long ", 2000)
		}
		k.entries = append(k.entries, e)
	}
	var all sync.WaitGroup
	for _, e := range k.entries { // at once, so that they share syncs
		all.Go(func() {
			_, _ = b.Claim(context.Background(), gateway.Key(e.Upload.ID), newClaim("alice"), time.Hour)
			_ = b.Put(context.Background(), e, time.Hour)
		})
	}
	all.Wait()
	for _, e := range k.entries[:20] {
		e.Pending = !e.Pending
		_ = b.Put(context.Background(), e, time.Hour)
	}
	if err := b.Close(); err != nil {
		return nil, err
	}
	k.content, err = os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	m, err := newestMeta(bytes.NewReader(k.content), int64(len(k.content)))
	k.used = int(m.end * m.pageSize)
	return k, err
})

// damagedStores are state files by what happened to them.
func damagedStores(t *testing.T) (*kept, map[string]func() []byte) {
	t.Helper()
	k, err := aStore()
	must(t, "a state file", err)
	all := map[string]func() []byte{"no database": func() []byte { return []byte(strings.Repeat("not a database ", 5000)) }}
	for _, length := range []int{1, 100, 4095, 4096, 6000, 8191, 8192, 8193, 12288, 16384, 32768, k.used / 4, k.used / 2, k.used - 4096, k.used - 1} {
		all[fmt.Sprintf("cut at %d", length)] = func() []byte { return k.content[:length] }
	}
	damage := func(what string, at int, with []byte) {
		all[fmt.Sprintf("%s at %d", what, at)] = func() []byte {
			content := bytes.Clone(k.content)
			copy(content[at:], with)
			return content
		}
	}
	for at := 0; at < k.used; at += 4096 {
		damage("8 KiB of zeros", at, make([]byte, 8<<10))
	}
	damage("zeros all over", 0, make([]byte, len(k.content)))
	source := rand.New(rand.NewPCG(14, 1))
	for range 30 {
		noise := make([]byte, 1+source.IntN(64))
		for i := range noise {
			noise[i] = byte(source.Uint32())
		}
		damage("noise", source.IntN(k.used), noise)
	}
	for at := 0; at < k.used; at += 3 * 4096 { // what pages begin with
		noise := make([]byte, 40)
		for i := range noise {
			noise[i] = byte(source.Uint32())
		}
		damage("noise in the head", at, noise)
		damage("noise in the count", at+8, noise[:8])
		damage("another page", at, k.content[4096*2:4096*3])
	}
	return k, all
}

// A state file that is damaged, wherever and however, costs no gateway its start: it
// is as it was but for single values, or set aside, named, and empty.
func TestBoltDamaged(t *testing.T) {
	t.Parallel()
	k, all := damagedStores(t)
	var asides atomic.Int64
	many := make(chan struct{}, 8) // they wait for the disk
	var done sync.WaitGroup
	for what, make := range all {
		done.Go(func() {
			many <- struct{}{}
			defer func() { <-many }()
			if openDamaged(t, what, k, make()) {
				asides.Add(1)
			}
		})
	}
	done.Wait()
	t.Logf("%d of %d were set aside", asides.Load(), len(all))
}

func openDamaged(t *testing.T, what string, k *kept, content []byte) (setAside bool) {
	dir, l := t.TempDir(), &logged{}
	path := filepath.Join(dir, "registry.db")
	err := os.WriteFile(path, content, 0o600)
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return false
	}
	b, err := OpenBolt(path, l.log())
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return false
	}
	found := useAll(t, what, b, k)
	if err := b.Close(); err != nil {
		t.Errorf("%s: %v", what, err)
	}
	aside, _ := filepath.Glob(path + ".damaged-*")
	if len(aside) == 0 {
		if strings.HasPrefix(what, "cut") || what == "no database" {
			t.Errorf("%s: it was taken as it is", what)
		}
		if strings.Contains(l.String(), "set_aside") {
			t.Errorf("%s: %s", what, l.String())
		}
		return false
	}
	if now, err := os.ReadFile(aside[0]); err != nil || !bytes.Equal(now, content) || len(aside) != 1 {
		t.Errorf("%s: what was set aside, as %v, is not what it was: %v", what, aside, err)
	}
	if found != 0 {
		t.Errorf("%s: %d entries in an empty file", what, found)
	}
	if text := l.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "WARN") || !strings.Contains(text, "set_aside="+aside[0]) {
		t.Errorf("%s: the log says %s", what, text)
	}
	return true
}

// useAll does all that a gateway does and counts the entries that are there.
func useAll(t *testing.T, what string, b *Bolt, k *kept) (found int) {
	t.Helper()
	ctx := t.Context()
	check := func(call string, err error) {
		if err != nil {
			t.Errorf("%s: %s: %v", what, call, err)
		}
	}
	check("Ping", b.Ping(ctx))
	for i, e := range k.entries {
		_, ok, err := b.Get(ctx, e.Upload.ID)
		check("Get", err)
		if ok {
			found++
		}
		_, _, err = b.ByAlias(ctx, e.Aliases[0])
		check("ByAlias", err)
		if i != 75 { // writes take a sync
			continue
		}
		_, err = b.Claim(ctx, gateway.Key(e.Upload.ID), newClaim("bob"), time.Hour)
		check("Claim", err)
		_, err = b.Renew(ctx, gateway.Key(e.Upload.ID), "another's", time.Hour)
		check("Renew", err)
		check("Put", b.Put(ctx, e, time.Hour))
	}
	for i := range 7 {
		_, err := b.ByUser(ctx, fmt.Sprintf("user-%d", i))
		check("ByUser", err)
	}
	_, err := b.Pending(ctx)
	check("Pending", err)
	return found
}

// What happens to the file while it is in use ends no process: the calls in it fail,
// and the next ones find an empty file.
func TestBoltDamagedInUse(t *testing.T) {
	t.Parallel()
	k, err := aStore()
	must(t, "a state file", err)
	for what, damage := range map[string]func(*os.File) error{
		"cut in half":    func(f *os.File) error { return f.Truncate(int64(k.used / 2)) },
		"cut to nothing": func(f *os.File) error { return f.Truncate(0) },
		"zeros": func(f *os.File) error {
			_, err := f.WriteAt(make([]byte, k.used-8<<10), 8<<10)
			return err
		},
		"zeros all over": func(f *os.File) error {
			_, err := f.WriteAt(make([]byte, k.used), 0)
			return err
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			path, l := filepath.Join(t.TempDir(), "registry.db"), &logged{}
			must(t, "write", os.WriteFile(path, k.content, 0o600))
			b, err := OpenBolt(path, l.log())
			must(t, "OpenBolt", err)
			f, err := os.OpenFile(path, os.O_RDWR, 0)
			must(t, "open", err)
			must(t, what, damage(f))
			must(t, "close", f.Close())

			failed := 0
			for _, e := range k.entries {
				if _, _, err := b.Get(t.Context(), e.Upload.ID); err != nil {
					failed++
					unavailable(t, "Get", func() error { return err })
				}
			}
			if err := b.Ping(t.Context()); err != nil {
				failed++
			}
			if failed != 1 {
				t.Errorf("%d calls failed, want 1", failed)
			}
			if n := useAll(t, "afterwards", b, k); n != 0 {
				t.Errorf("%d entries in an empty file", n)
			}
			aside, _ := filepath.Glob(path + ".damaged-*")
			if len(aside) != 1 || !strings.Contains(l.String(), "set_aside="+aside[0]) {
				t.Errorf("set aside is %v; the log says %s", aside, l.String())
			}
			must(t, "Close", b.Close())
			b, err = OpenBolt(path, nil)
			must(t, "OpenBolt again", err)
			if _, ok, err := b.Get(t.Context(), k.entries[75].Upload.ID); !ok || err != nil {
				t.Errorf("what was put afterwards: %v, %v", ok, err)
			}
			must(t, "Close", b.Close())
		})
	}
}

// Where nothing can be set aside the error says what the matter is and what to do.
func TestBoltDamagedInADirectoryThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "registry.db")
	must(t, "write", os.WriteFile(path, []byte("damaged"), 0o600))
	_, _, err := openAnew(filepath.Join(path, "below"), errors.New("it is cut"), time.Now())
	for _, part := range []string{path, "is damaged (it is cut)", "cannot be set aside", "move it away"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%v, want %q in it", err, part)
		}
	}
}
