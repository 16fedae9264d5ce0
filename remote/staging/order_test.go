package staging_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"sftpgate/remote/hosts"
	"sftpgate/remote/record"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/sshpool"
	"sftpgate/remote/staging"
)

// Many uploads are staged over one connection at once: each is staged in one go, and
// what the others ask for between is not taken for a host that works in another order.
func TestManyAreStagedInOrder(t *testing.T) {
	t.Parallel()
	s := onSSHD(t)
	var all sync.WaitGroup
	for i := range 16 {
		target := s.target(fmt.Sprint("f", i))
		scene := s.look(s.Host, target, "alice")
		all.Go(func() {
			if _, _, err := s.Create(s.ctx, target, record.Meta{ID: fmt.Sprint("u", i), User: "alice", Host: "h", Size: 5}, scene); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if s.Disorderly() {
		t.Error("OpenSSH is taken for a host that works in another order")
	}
}

// shuffled is a host that works on all that it has been asked at once, and here does
// the last first. On a virtual clock that is all which comes before the answer is
// waited for.
type shuffled struct{ sshpool.Transport }

func (s shuffled) Subsystem(name string) (sshpool.Channel, error) {
	ch, err := s.Transport.Subsystem(name)
	if err != nil {
		return nil, err
	}
	return &shuffledChannel{Channel: ch}, nil
}

type shuffledChannel struct {
	sshpool.Channel
	mu      sync.Mutex
	part    []byte
	packets [][]byte
}

func (c *shuffledChannel) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.part = append(c.part, b...)
	for len(c.part) >= 4 {
		n := 4 + int(binary.BigEndian.Uint32(c.part))
		if len(c.part) < n {
			break
		}
		if c.packets = append(c.packets, bytes.Clone(c.part[:n])); len(c.packets) == 1 {
			time.AfterFunc(2*time.Millisecond, c.work)
		}
		c.part = c.part[n:]
	}
	return len(b), nil
}

func (c *shuffledChannel) work() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range slices.Backward(c.packets) {
		_, _ = c.Channel.Write(p)
	}
	c.packets = nil
}

// onShuffled is one; what it says of a directory whose parent is not there is missing.
func onShuffled(t *testing.T, missing error) *site {
	t.Helper()
	d := remotetest.NewDisk()
	if err := d.MkdirAll("/srv/files"); err != nil {
		t.Fatal(err)
	}
	dial := d.Dial(remotetest.ServerOptions{Gate: func(op remotetest.Op) error {
		if slices.Contains([]remotetest.Kind{remotetest.Mkdir, remotetest.Create, remotetest.Setstat}, op.Kind) && !d.Exists(path.Dir(op.Path)) {
			return missing
		}
		return nil
	}})
	return newSite(t, &site{
		root:   "/srv/files",
		config: hosts.Host{ID: "h", Address: "h.invalid", User: "u", KeyFile: "/none", KnownHosts: "/none", Roots: []string{"/srv/files"}},
		options: sshpool.Options{Dial: func(ctx context.Context, h hosts.Host) (sshpool.Transport, error) {
			tr, err := dial(ctx, h)
			return shuffled{tr}, err
		}},
	})
}

// On a host that works in another order all is staged and cleared away as well,
// whatever it says of a directory whose parent is not there.
func TestHostThatWorksInAnotherOrder(t *testing.T) {
	t.Parallel()
	for name, missing := range map[string]error{"no such file": syscall.ENOENT, "failure": syscall.EIO} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := onShuffled(t, missing)
				for i := range 3 {
					g := s.create(s.target(fmt.Sprint("f", i)), "alice", "id", 5)
					s.wantNames(g.Dir(), "record.1", "chunks")
					s.check(g.Remove(s.ctx))
					s.wantNames(s.root)
				}
				if !s.Disorderly() {
					t.Error("it was not found out")
				}
			})
		})
	}
}

// What a host refuses is asked for once, and the error speaks of that alone.
func TestStagingIsRefused(t *testing.T) {
	t.Parallel()
	var refuses atomic.Bool
	var asked atomic.Int64
	s := onDisk(t, remotetest.ServerOptions{Gate: func(op remotetest.Op) error {
		if op.Kind != remotetest.Mkdir || !refuses.Load() {
			return nil
		}
		if asked.Add(1); path.Dir(op.Path) == "/srv/files" {
			return syscall.EROFS
		}
		return nil // its parent is missing
	}})
	target := s.target("f")
	scene := s.look(s.Host, target, "alice")
	refuses.Store(true)
	_, _, err := s.Create(s.ctx, target, meta("alice", "id", 5), scene)
	if !staging.Refused(err) || errors.Is(err, fs.ErrNotExist) || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v", err)
	}
	if n := asked.Load(); n != 4 { // directories
		t.Errorf("%d were asked for", n)
	}
}
