package registry

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"sftpgate/gateway"
	"sftpgate/gateway/registry/registrytest"
	"sftpgate/remote/remotetest/await"
)

// clock is set by hand.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

func openAt(t *testing.T, path string, c *clock) *Bolt {
	t.Helper()
	b, err := openBolt(path, nil, c.Now)
	must(t, "open", err)
	t.Cleanup(func() { _ = b.Close() })
	return b
}

func TestBolt(t *testing.T) {
	t.Parallel()
	registrytest.Run(t, func(t *testing.T) registrytest.Store {
		b, err := OpenBolt(filepath.Join(t.TempDir(), "state", "registry.db"), nil)
		must(t, "OpenBolt", err)
		return b
	})
}

func TestBoltRestart(t *testing.T) {
	t.Parallel()
	path, ctx := filepath.Join(t.TempDir(), "registry.db"), t.Context()
	c := &clock{time.Now()}
	b := openAt(t, path, c)
	a, e := newClaim("alice"), newEntry("alice")
	must(t, "Claim", claims(b.Claim(ctx, "k", a, time.Hour))(a))
	must(t, "Put", b.Put(ctx, e, time.Hour))
	must(t, "Lease", yes(b.Lease(ctx, "k", "before", time.Hour)))
	must(t, "Close", b.Close())

	b = openAt(t, path, c)
	must(t, "another's claim", claims(b.Claim(ctx, "k", newClaim("bob"), time.Hour))(a))
	if _, ok, err := b.ByAlias(ctx, e.Aliases[0]); !ok || err != nil {
		t.Errorf("ByAlias: %v, %v", ok, err)
	}
	if list, err := b.ByUser(ctx, "alice"); len(list) != 1 || err != nil {
		t.Errorf("ByUser: %v, %v", list, err)
	}
	// Whoever merged before is gone: nobody waits for its lease to end.
	must(t, "Lease", yes(b.Lease(ctx, "k", "after", time.Hour)))
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file: %v, %v, want mode 0600", info.Mode(), err)
	}
}

// A clock an hour off costs nobody a claim; the end of its life does, also
// while the gateway is not running.
func TestBoltClock(t *testing.T) {
	t.Parallel()
	path, ctx, week := filepath.Join(t.TempDir(), "registry.db"), t.Context(), 7*24*time.Hour
	start := time.Now()
	c := &clock{start}
	b := openAt(t, path, c)
	a, bob := newClaim("alice"), newClaim("bob")
	must(t, "Claim", claims(b.Claim(ctx, "k", a, week))(a))
	for _, off := range []time.Duration{time.Hour, -time.Hour, week - time.Second} {
		c.now = start.Add(off)
		must(t, "another's claim", claims(b.Claim(ctx, "k", bob, week))(a))
	}
	must(t, "Close", b.Close())
	c.now = start.Add(week)
	b = openAt(t, path, c)
	must(t, "Claim of the ended", claims(b.Claim(ctx, "k", bob, week))(bob))
}

// What has ended leaves the file, even after the clock was far ahead for a while.
func TestBoltPurge(t *testing.T) {
	t.Parallel()
	ctx, c := t.Context(), &clock{time.Now()}
	b := openAt(t, filepath.Join(t.TempDir(), "registry.db"), c)
	for range 20 {
		e := newEntry("alice")
		must(t, "Put", b.Put(ctx, e, time.Minute))
		_, err := b.Claim(ctx, gateway.Key(e.Upload.ID), newClaim("alice"), time.Minute)
		must(t, "Claim", err)
	}
	count := func() (n int) {
		must(t, "view", b.view(ctx, func(tx *bbolt.Tx) error {
			for _, bucket := range buckets {
				n += tx.Bucket(bucket).Stats().KeyN
			}
			return nil
		}))
		return n
	}
	if n := count(); n != 100 {
		t.Fatalf("%d values, want 100", n)
	}
	b.purged = c.now.Add(1000 * time.Hour)
	c.now = c.now.Add(2 * time.Minute)
	must(t, "Put", b.Put(ctx, newEntry("alice"), time.Minute))
	if n := count(); n != 4 {
		t.Errorf("%d values after the purge, want the 4 of the last Put", n)
	}
	for range 20 {
		must(t, "Lease", yes(b.Lease(ctx, gateway.Key(newClaim("alice").Token), "mine", time.Minute)))
		c.now = c.now.Add(2 * time.Minute)
	}
	if n := len(b.leases.(*memorySlots).held); n != 1 {
		t.Errorf("%d leases are remembered, want the last", n)
	}
}

const fileOfAnother = "SFTPGATE_TEST_STATE_FILE"

func TestBoltInUse(t *testing.T) {
	t.Parallel()
	if path := os.Getenv(fileOfAnother); path != "" { // the second process
		_, err := OpenBolt(path, nil)
		if err == nil {
			t.Fatal("opened")
		}
		t.Fatal(err)
	}
	if lockTimeout > 5*time.Second {
		t.Errorf("who starts a second gateway is told so after %v", lockTimeout)
	}
	path := filepath.Join(t.TempDir(), "registry.db")
	b, err := OpenBolt(path, nil)
	must(t, "OpenBolt", err)
	defer b.Close()
	second := exec.CommandContext(await.Context(t), os.Args[0], "-test.run=^TestBoltInUse$")
	second.Env = append(os.Environ(), fileOfAnother+"="+path)
	out, err := second.CombinedOutput()
	if err == nil || !strings.Contains(string(out), path+" is in use by another process") {
		t.Errorf("the second process: %v\n%s", err, out)
	}
}

func TestBoltUnusableFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	must(t, "write", os.WriteFile(file, []byte("text"), 0o600))
	for _, path := range []string{dir, filepath.Join(file, "below", "a-file.db")} {
		if b, err := OpenBolt(path, nil); err == nil {
			t.Errorf("%s: opened", path)
			_ = b.Close()
		} else if !strings.Contains(err.Error(), file) && !strings.Contains(err.Error(), path) {
			t.Errorf("the error does not name the file: %v", err)
		}
	}
}

func TestBoltClosed(t *testing.T) {
	t.Parallel()
	b, err := OpenBolt(filepath.Join(t.TempDir(), "registry.db"), nil)
	must(t, "OpenBolt", err)
	must(t, "Close", b.Close())
	for name, call := range map[string]func(context.Context) error{
		"Ping":  b.Ping,
		"Claim": func(ctx context.Context) error { _, err := b.Claim(ctx, "k", newClaim("a"), time.Hour); return err },
		"Get":   func(ctx context.Context) error { _, _, err := b.Get(ctx, "id"); return err },
	} {
		if err := call(t.Context()); !errors.Is(err, gateway.ErrRegistryUnavailable) {
			t.Errorf("%s: %v, want gateway.ErrRegistryUnavailable", name, err)
		}
	}
}
