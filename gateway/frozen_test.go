package gateway_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"sftpgate/gateway"
	"sftpgate/remote/record"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/remotetest/await"
	"sftpgate/remote/sshpool"
)

// What a frozen process on the host does when it wakes harms nothing, whatever
// has happened meanwhile. Real processes of a real server are stopped here.

// patient does not take a frozen server for a dead one.
var patient = sshpool.Options{Stall: time.Hour, SyncStall: time.Hour}

// piece is small, so that a merge takes many copies and can be met in its middle.
const piece = 100_003

// stand is an upload whose chunks are all on the host and wait to be merged: a
// third gateway seems to hold the merge until release is called.
func (r *rig) stand(st store, name string, content []byte, edit ...func(*gateway.OpenRequest)) (up gateway.Upload, release func()) {
	r.t.Helper()
	up = r.open(alice, name, int64(len(content)), edit...).Upload
	e, _, err := st.Get(r.t.Context(), up.ID)
	if err == nil {
		_, err = st.Lease(r.t.Context(), e.Key, "a third", time.Hour)
	}
	if err != nil {
		r.t.Fatal(err)
	}
	for off := int64(0); off < int64(len(content)); off += piece {
		r.send(alice, up.ID, content, off, min(piece, int64(len(content))-off))
	}
	return up, func() {
		r.t.Helper()
		if err := st.Unlease(r.t.Context(), e.Key, "a third"); err != nil {
			r.t.Fatal(err)
		}
	}
}

// generation is what the newest generation of a target's staging says; false
// when there is none to be read.
func (r *rig) generation(name string) (dir string, state record.State, ok bool) {
	dirs, _ := filepath.Glob(filepath.Join(r.root, filepath.Dir(name), "."+filepath.Base(name)+".sftpgate/*/gen-*"))
	if len(dirs) == 0 {
		return "", state, false
	}
	dir = dirs[len(dirs)-1]
	files, _ := filepath.Glob(filepath.Join(dir, "record.*"))
	var records []record.Record
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			continue
		}
		if rec, err := record.Decode(b); err == nil {
			records = append(records, rec)
		}
	}
	state, err := record.Union(records)
	return dir, state, err == nil
}

// kind is a kind of host, and how far away it is.
type kind struct{ engine, distance string }

func (k kind) String() string { return k.engine + ", " + k.distance }

// kinds are those that differ: only the shell works otherwise at a distance.
func kinds() []kind {
	all := []kind{{"shell", "far"}}
	for engine := range hostsOfEveryKind {
		all = append(all, kind{engine, "near"})
	}
	return all
}

// midway finishes a file and stops the process that merges it on the host, in
// the middle; thaw lets it go on. A merge that was over too soon is no loss: the
// next name is tried.
func (r *rig) midway(st store, content []byte, edit ...func(*gateway.OpenRequest)) (name string, up gateway.Upload, thaw func()) {
	r.t.Helper()
	tries := 0
	await.Until(r.t, "a merge that is not over before it can be stopped", func() bool {
		tries++
		name = "f" + strconv.Itoa(tries)
		var release func()
		up, release = r.stand(st, name, content, edit...)
		release()
		if _, err := r.Finish(r.t.Context(), alice, up.ID, gateway.FinishRequest{Size: -1}); err != nil {
			r.t.Fatal(err)
		}
		if thaw = r.freeze(name); thaw != nil {
			return true
		}
		if _, err := r.Wait(r.t.Context(), alice, up.ID); err != nil {
			r.t.Fatal(err)
		}
		return false
	})
	r.t.Logf("the merge of %s was stopped", name)
	return name, up, thaw
}

// freeze stops the process that merges a file; nil when it had done its work.
func (r *rig) freeze(name string) (thaw func()) {
	r.t.Helper()
	var writer record.Writer
	var part string
	over := false
	await.Until(r.t, "a merge to begin", func() bool {
		dir, state, ok := r.generation(name)
		over = !ok && r.published(name)
		if !ok || len(state.Writers) == 0 || state.Writers[len(state.Writers)-1].Session == 0 {
			return over
		}
		writer, part = state.Writers[len(state.Writers)-1], filepath.Join(dir, "part."+strconv.Itoa(state.Epoch))
		return true
	})
	await.Until(r.t, "the part to grow", func() bool {
		info, err := os.Stat(part)
		over = over || r.published(name)
		return over || err == nil && info.Size() > piece
	})
	if over || syscall.Kill(-writer.Session, syscall.SIGSTOP) != nil {
		return nil
	}
	thaw = func() { _ = syscall.Kill(-writer.Session, syscall.SIGCONT) }
	r.t.Cleanup(thaw)
	// A shell outlives the merge: that must still have something to copy.
	_, state, ok := r.generation(name)
	info, err := os.Stat(part)
	if !ok || len(state.Writers) == 0 || state.Writers[len(state.Writers)-1].Closed || err != nil || info.Size() >= state.Meta.Size {
		thaw()
		return nil
	}
	return thaw
}

// flip changes every byte of a file in place.
func flip(t testing.TB, name string, off int64, n int) {
	t.Helper()
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, n)
	if _, err := f.ReadAt(b, off); err != nil {
		t.Fatal(err)
	}
	for i := range b {
		b[i] ^= 0xff
	}
	if _, err := f.WriteAt(b, off); err != nil {
		t.Fatal(err)
	}
}

// A merger is frozen in mid-copy, another gateway publishes, the published file
// is changed in place, and the merger wakes: there was one publication, the
// change stands, and the gateway of the frozen one sees that it is done.
func TestFrozenMergerWakesAfterThePublication(t *testing.T) {
	t.Parallel()
	for _, k := range shellAnd(kind{"copy-data", "near"}) {
		t.Run(k.String(), func(t *testing.T) {
			t.Parallel()
			st := unleased{embedded(t)}
			sshd := remotetest.StartSSHD(t, hostsOfEveryKind[k.engine])
			a := &rig{gatewayOn(t, st, away(k.distance, patient), sshd.Host("web-1")), t, sshd, sshd.Root}
			b := &rig{gatewayOn(t, st, away(k.distance, sshpool.Options{}), sshd.Host("web-1")), t, sshd, sshd.Root}
			content := noise(120 * piece)
			name, up, thaw := a.midway(st.store, content)

			b.finish(alice, up.ID)
			b.exact(name, content)
			published, err := os.Stat(b.path(name))
			if err != nil {
				t.Fatal(err)
			}
			flip(t, b.path(name), 0, len(content))
			changed, err := os.ReadFile(b.path(name))
			if err != nil {
				t.Fatal(err)
			}

			thaw()
			if u, err := a.Wait(await.Context(t), alice, up.ID); err != nil || u.State != gateway.Done {
				t.Errorf("the gateway whose merger was frozen says %s, %v", u.State, err)
			}
			a.stop()
			got, err := os.ReadFile(b.path(name))
			if err != nil {
				t.Fatal(err)
			}
			if now, err := os.Stat(b.path(name)); err != nil || !os.SameFile(now, published) {
				t.Errorf("it was published a second time: %v", err)
			}
			if !bytes.Equal(got, changed) {
				t.Error("the merger that woke undid what somebody had changed in the published file")
			}
			b.clean(".")
		})
	}
}

// An old server process is frozen while it writes, the upload is cancelled and
// another file is begun at the same path, and the old process goes on with all
// that it had been told: nothing changes.
func TestFrozenServerOfACancelledUpload(t *testing.T) {
	t.Parallel()
	content, other := noise(120*piece), noise(30*piece+1)
	for what, begin := range map[string]func(r *rig, st store) (name string, up gateway.Upload, thaw func(), ended func()){
		"in a chunk": func(r *rig, _ store) (string, gateway.Upload, func(), func()) {
			up := r.open(alice, "f", int64(len(content))).Upload
			r.send(alice, up.ID, content, 0, piece)
			waiting, sent := heldBody(content[piece:101*piece]), make(chan error, 1)
			go func() {
				_, err := r.Receive(context.Background(), alice, up.ID, gateway.Body{Off: piece, Len: 100 * piece, Total: -1, R: waiting})
				sent <- err
			}()
			<-waiting.begun
			if r.sshd.StopSFTP() == 0 {
				t.Fatal("nothing was stopped")
			}
			t.Cleanup(func() { r.sshd.ContSFTP() })
			close(waiting.goOn)
			return "f", up, func() { r.sshd.ContSFTP() }, func() {
				if err := <-sent; err == nil {
					t.Error("a chunk that nobody answered for was acknowledged")
				}
			}
		},
		"in a merge": func(r *rig, st store) (string, gateway.Upload, func(), func()) {
			name, up, thaw := r.midway(st, content)
			return name, up, thaw, func() {}
		},
	} {
		beside := kind{"stream", "near"}
		if what == "in a chunk" {
			beside = kind{"shell", "far"}
		}
		for _, k := range shellAnd(beside) {
			if what == "in a chunk" && k.engine == "copy-data" {
				continue // no engine is at work
			}
			t.Run(what+", "+k.String(), func(t *testing.T) {
				t.Parallel()
				st := unleased{embedded(t)}
				sshd := remotetest.StartSSHD(t, hostsOfEveryKind[k.engine])
				a := &rig{gatewayOn(t, st, away(k.distance, patient), sshd.Host("web-1")), t, sshd, sshd.Root}
				name, up, thaw, ended := begin(a, st.store)
				b := &rig{gatewayOn(t, st, away(k.distance, sshpool.Options{}), sshd.Host("web-1")), t, sshd, sshd.Root}
				if err := b.Cancel(t.Context(), alice, up.ID); err != nil {
					t.Fatal(err)
				}
				next := b.open(alice, name, int64(len(other))).Upload
				b.send(alice, next.ID, other, 0, 10*piece)
				thaw()
				ended()
				b.send(alice, next.ID, other, 10*piece, int64(len(other))-10*piece)
				b.finish(alice, next.ID)
				if u, _ := a.Wait(t.Context(), alice, up.ID); u.State != gateway.Cancelled {
					t.Errorf("the gateway of the old one says %s", u.State)
				}
				a.stop()
				b.exact(name, other)
			})
		}
	}
}
