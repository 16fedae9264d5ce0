package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"sftpgate/gateway"
	"sftpgate/gateway/registry"
	"sftpgate/remote/failpoint"
	"sftpgate/remote/remotetest"
	wait "sftpgate/remote/remotetest/await"
)

// Gateways that die at a step that is named: the binary built with fail points,
// OpenSSH, and either registry.

const (
	killedChunks = 6
	killedPiece  = 128 << 10
)

// doomed is an upload, in a root of its own, whose first gateway will die.
type doomed struct {
	*uploader
	t     *testing.T
	name  string
	point failpoint.Point
	dir   string
	serve []string
	redis string // its URL; "" for the embedded registry in state
	state string

	noted   bool // when it died the index knew that it was to finish
	patient bool // a request that may succeed when it is repeated is
	p       *process
}

// doom makes an upload behind sshd. redis is a URL, or "" for the embedded registry.
func doom(t *testing.T, sshd *remotetest.SSHD, name string, point failpoint.Point, engine, redis string) *doomed {
	t.Helper()
	d := &doomed{t: t, name: name, point: point, dir: filepath.Join(sshd.Root, strings.NewReplacer(" ", "-", ",", "").Replace(name)), redis: redis}
	if err := os.Mkdir(d.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	h := sshd.Host("web-1")
	h.Roots, h.Engine = []string{d.dir}, engine
	d.serve = []string{"--hosts", yamlOf(t, h)}
	if redis != "" {
		d.serve = append(d.serve, "--redis", redis)
	} else {
		d.state = t.TempDir()
		d.serve = append(d.serve, "--state", d.state)
	}
	d.uploader = &uploader{t: t, target: filepath.Join(d.dir, "disk.img"), chunks: killedChunks, piece: killedPiece, lanes: 2, acked: map[int]bool{}}
	return d
}

// start runs a gateway that ends at the point, or an ordinary one for "".
func (d *doomed) start(at string) {
	d.t.Helper()
	binary, env := plain, []string(nil)
	if at != "" {
		binary, env = failing, []string{"SFTPGATE_FAILPOINT=" + at}
	}
	d.p, d.base = servingBy(d.t, binary, env, d.serve...)
}

// within has the story go on in another test.
func (d *doomed) within(t *testing.T) { d.t, d.uploader.t = t, t }

// dies sends the file, and asks for its end where the point lies there, until
// the gateway has killed itself.
func (d *doomed) dies(nth int) {
	d.t.Helper()
	d.start(fmt.Sprintf("%s:%d", d.point, nth))
	err := d.send(d.missing(d.open()))
	answered := false
	if err == nil && strings.HasPrefix(string(d.point), "finish.") {
		status, _ := d.merge()
		answered = status == 200 || status == 202
	}
	d.p.exits()
	if how := d.p.cmd.ProcessState.Sys().(syscall.WaitStatus); !how.Signaled() || how.Signal() != syscall.SIGKILL {
		d.t.Fatalf("%s: the gateway ended with %v", d.name, d.p.cmd.ProcessState)
	}
	store := d.registry()
	defer store.Close()
	pending, err := store.Pending(d.t.Context())
	d.noted = slices.ContainsFunc(pending, func(e gateway.Entry) bool { return e.Upload.ID == d.id })
	if answered && !d.noted {
		d.t.Errorf("%s: it was said to finish, and the index does not know it: %v", d.name, err)
	}
}

// registry opens what the gateway uses; the embedded one is for one process at a time.
func (d *doomed) registry() killedStore {
	d.t.Helper()
	var store killedStore
	var err error
	if d.redis != "" {
		store, err = registry.OpenRedis(d.t.Context(), d.redis, nil)
	} else {
		store, err = registry.OpenBolt(filepath.Join(d.state, "registry.db"), nil)
	}
	if err != nil {
		d.t.Fatalf("%s: %v", d.name, err)
	}
	return store
}

type killedStore interface {
	gateway.Claims
	gateway.Index
	Close() error
}

// stands reports whether the target is there; then it must be exact.
func (d *doomed) stands() bool {
	d.t.Helper()
	if _, err := os.Lstat(d.target); os.IsNotExist(err) {
		return false
	}
	if got, want := digestOfFile(d.t, d.target), digestOfPieces(d.chunks, d.size()); !bytes.Equal(got, want) {
		d.t.Fatalf("%s: the target is visible and not exact", d.name)
	}
	return true
}

// goesOn is what a client does that has lost its gateway.
func (d *doomed) goesOn() {
	d.t.Helper()
	id := d.id
	wait.Until(d.t, d.name+" to be sent", func() bool {
		missing := d.missing(d.insists(d.tryOpen))
		if d.id != id {
			d.t.Fatalf("%s: the upload is another one after the restart", d.name)
		}
		err := d.send(missing)
		if err != nil && !d.patient {
			d.t.Fatalf("%s: %v", d.name, err)
		}
		return err == nil
	})
	if d.stands() {
		d.t.Errorf("%s: the target is there before anybody asked for it", d.name)
	}
	d.asks()
}

func (d *doomed) asks() { d.t.Helper(); d.insists(d.merge) }

func (d *doomed) insists(call func() (int, map[string]any)) (answer map[string]any) {
	d.t.Helper()
	wait.Until(d.t, d.name+" to be taken on", func() bool {
		var status int
		status, answer = call()
		good := status >= 200 && status < 300
		if !good && (!d.patient || answer["retryable"] != true) {
			d.t.Fatalf("%s: %d %v", d.name, status, answer)
		}
		return good
	})
	return answer
}

// ends waits for the target, asking nobody, and for an end without leftovers.
func (d *doomed) ends() {
	d.t.Helper()
	d.p.poll("the target of "+d.name, d.stands)
	d.p.poll("the staging to go, "+d.name, func() bool {
		left := d.staging()
		// What is moved away counts for nothing, and nobody looks for it but a sweep.
		return len(left) == 0 || d.point == failpoint.FinishMovedAway && len(left) == 1 && left[0] != ".disk.img.sftpgate"
	})
	if answer := d.done(); answer["received_bytes"] != float64(d.chunks*d.size()) {
		d.t.Errorf("%s: done as %v", d.name, answer)
	}
	if d.redis == "" {
		d.p.stop(syscall.SIGTERM)
	}
	d.claimGoes()
	if !d.stands() {
		d.t.Errorf("%s: the target has gone again", d.name)
	}
}

// staging is what stands beside the target.
func (d *doomed) staging() []string {
	var names []string
	all, _ := os.ReadDir(d.dir)
	for _, e := range all {
		if e.Name() != "disk.img" {
			names = append(names, e.Name())
		}
	}
	return names
}

// swept: a gateway that comes by, and for which it is old enough, removes what
// the dead one was about to.
func (d *doomed) swept() {
	d.t.Helper()
	if len(d.staging()) == 0 {
		d.t.Errorf("%s: nothing was left behind, so that nothing is shown", d.name)
	}
	if d.redis != "" {
		d.p.stop(syscall.SIGTERM)
	}
	d.serve = append(d.serve, "--expire-after", "1s")
	wait.Until(d.t, "what is left to be old enough", func() bool { return time.Since(d.touched()) > 2*time.Second })
	d.start("")
	if status, answer := request("GET", d.base+"/v1/hosts/web-1/entries?dir="+d.dir, nil); status != 200 {
		d.t.Fatalf("%s: %d %v", d.name, status, answer)
	}
	d.p.poll("what was moved away to go", func() bool { return len(d.staging()) == 0 })
}

// touched is when anything in the directory was changed last. A directory is looked
// through only once for what has expired.
func (d *doomed) touched() (last time.Time) {
	_ = filepath.WalkDir(d.dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil {
			return nil
		}
		if info, err := e.Info(); err == nil && info.ModTime().After(last) {
			last = info.ModTime()
		}
		return nil
	})
	return last
}

// claimGoes waits for the path to be free for anybody.
func (d *doomed) claimGoes() {
	d.t.Helper()
	claims := d.registry()
	defer claims.Close()
	sum := sha256.Sum256([]byte("web-1\x00" + d.dir + "\x00disk.img"))
	key := gateway.Key(hex.EncodeToString(sum[:]))
	wait.Until(d.t, d.name+": the claim to go", func() bool {
		standing, err := claims.Claim(context.Background(), key, gateway.Claim{Token: "another", ID: "another", User: "another"}, time.Millisecond)
		return err == nil && standing.Token == "another"
	})
}
