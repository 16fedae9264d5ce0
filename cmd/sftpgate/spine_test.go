package main

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"sftpgate/gateway/registry/registrytest"
	"sftpgate/remote/remotetest"
	wait "sftpgate/remote/remotetest/await"
)

// The main job on real input, as a person would run it: the binary, OpenSSH
// and Redis, files of gigabytes, and kill -9.

// accounts force an engine each.
var accounts = map[string]remotetest.SSHDOptions{
	"shell":     {},
	"copy-data": {ForceCommand: "internal-sftp"},
	"stream":    {ForceCommand: "internal-sftp -P copy-data"},
}

// diskUse is what the files below dir take on the disk, holes left out and a
// file with two names counted once.
func diskUse(dir string) int64 {
	var n int64
	seen := map[uint64]bool{}
	_ = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil {
			return nil
		}
		if info, err := e.Info(); err == nil {
			if st := info.Sys().(*syscall.Stat_t); !seen[st.Ino] {
				seen[st.Ino] = true
				n += st.Blocks * 512
			}
		}
		return nil
	})
	return n
}

// roomy is an uploader that looks at the disk at each acknowledgment, and while it
// waits for the end.
type roomy struct {
	*uploader
	dir  string
	mu   sync.Mutex
	most int64 // bytes
}

func (r *roomy) look(int) {
	now := diskUse(r.dir)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.most = max(r.most, now)
}

// The host never holds much more than the file; two gigabytes by each engine for
// -prove.
func TestTwoGigabytes(t *testing.T) {
	t.Parallel()
	const all = 2048 * mib
	size := all / 16 // held twice it would still be too much
	if *prove {
		size = all
	}
	t.Logf("explored %d of %d MiB by each engine", size/mib, all/mib)
	for _, engine := range []string{"shell", "stream"} {
		t.Run(engine, func(t *testing.T) {
			sshd := remotetest.StartSSHD(t, accounts[engine])
			redis := registrytest.StartRedis(t)
			p, base := servingBy(t, plain, nil, "--hosts", yamlOf(t, sshd.Host("web-1")), "--redis", redis.URL())
			u := &roomy{dir: sshd.Root, uploader: &uploader{t: t, base: base, target: filepath.Join(sshd.Root, "disk.img"), chunks: size / chunkSize, acked: map[int]bool{}}}
			u.heard = u.look
			if err := u.send(u.missing(u.open())); err != nil {
				t.Fatal(err)
			}
			if exists(u.target) {
				t.Fatal("the target is visible before the merge")
			}
			if status, answer := u.merge(); status != 202 && status != 200 {
				t.Fatalf("merge: %d %v", status, answer)
			}
			p.poll("the end", func() bool { u.look(0); return exists(u.target) })
			if answer := u.done(); answer["engine"] != engine || answer["verified"] != "spans" {
				t.Errorf("done as %v", answer)
			}
			t.Logf("%s: peak disk %.3f of the size", engine, float64(u.most)/float64(size))
			if limit := int64(size/100*115 + 64*mib); u.most > limit {
				t.Errorf("the host held %d bytes at its peak, more than %d", u.most, limit)
			}
			if got, want := digestOfFile(t, u.target), digestOfChunks(u.chunks); !bytes.Equal(got, want) {
				t.Errorf("digest %x, want %x", got, want)
			}
			p.poll("the staging to go", func() bool { left, _ := os.ReadDir(sshd.Root); return len(left) == 1 })
			// Of the target, whose key is a digest; places stay reserved for a while.
			p.poll("the claim to go", func() bool { return redis.Do("KEYS sftpgate:{[0-9a-f]*}:claim") == "*0" })
		})
	}
}

func TestKillNine(t *testing.T) {
	for name, run := range map[string]struct{ engine, store string }{
		"shell and Redis":     {"shell", "redis"},
		"stream and embedded": {"stream", "embedded"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sshd := remotetest.StartSSHD(t, accounts[run.engine])
			args := []string{"--hosts", yamlOf(t, sshd.Host("web-1"))}
			if run.store == "redis" {
				args = append(args, "--redis", registrytest.StartRedis(t).URL())
			} else {
				args = append(args, "--state", t.TempDir())
			}
			u := &uploader{t: t, target: filepath.Join(sshd.Root, "disk.img"), chunks: 40, piece: mib / 2, acked: map[int]bool{}}
			// While chunks are in flight, and the merge runs behind them.
			for range 3 {
				u.isKilled(args)
			}
			p := u.served(args)
			if err := u.send(u.missing(u.open())); err != nil {
				t.Fatal(err)
			}
			u.absent()
			// While the merge is being finished.
			u.merge()
			p.kill()

			u.served(args)
			status, answer := u.merge()
			if status == 404 { // a registry that the kill took unsaved work from
				if missing := u.missing(u.open()); len(missing) > 0 {
					t.Errorf("missing after the merge was begun: %v", missing)
				}
				status, answer = u.merge()
			}
			if status != 202 && status != 200 {
				t.Fatalf("merge after the kill: %d %v", status, answer)
			}
			u.done()
			if got, want := digestOfFile(t, u.target), digestOfPieces(u.chunks, u.piece); !bytes.Equal(got, want) {
				t.Errorf("digest %x, want %x", got, want)
			}
			wait.Until(t, "the staging to go", func() bool { left, _ := os.ReadDir(sshd.Root); return len(left) == 1 })
		})
	}
}

// served starts a gateway for it.
func (u *uploader) served(args []string) *process {
	u.t.Helper()
	p, base := serving(u.t, args...)
	u.base = base
	return p
}

// isKilled: a gateway is, when it has acknowledged a fifth of all, and others are
// on their way.
func (u *uploader) isKilled(args []string) {
	u.t.Helper()
	p := u.served(args)
	before := u.id
	missing := u.missing(u.open())
	if before != "" && u.id != before {
		u.t.Fatalf("the upload is another one after the restart: %s, then %s", before, u.id)
	}
	last := len(u.acked) + u.chunks/5
	u.heard = func(n int) {
		if n == last {
			_ = p.cmd.Process.Kill()
		}
	}
	if err := u.send(missing); err == nil {
		u.t.Fatal("nothing was in flight when the gateway was killed")
	}
	u.heard = nil
	p.exits()
	u.absent()
}

func (u *uploader) absent() {
	u.t.Helper()
	if exists(u.target) {
		u.t.Fatal("the target is visible before its publication")
	}
}
