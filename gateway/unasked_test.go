package gateway_test

import (
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"sftpgate/gateway"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/sshpool"
)

// What gateways do without being asked, on a clock that only moves when
// everything waits.

func emptyDisk(t *testing.T) *remotetest.Disk {
	t.Helper()
	d := remotetest.NewDisk()
	if err := d.MkdirAll(memDir); err != nil {
		t.Fatal(err)
	}
	return d
}

// A finish that the host stood in the way of is tried again until it works.
func TestAFinishIsTriedAgain(t *testing.T) {
	t.Parallel()
	for _, trouble := range []error{syscall.EACCES, syscall.EBUSY} {
		t.Run(trouble.Error(), func(t *testing.T) {
			st := embedded(t)
			synctest.Test(t, func(t *testing.T) {
				d := emptyDisk(t)
				var denied atomic.Bool
				var tries atomic.Int64
				r := onDisk(t, d, st, remotetest.ServerOptions{Gate: func(op remotetest.Op) error {
					if op.Path2 == memDir+"/f" && denied.Load() {
						tries.Add(1)
						return trouble
					}
					return nil
				}})
				defer r.stop()
				r.Tend()
				content := noise(3000)
				up := r.open(alice, "f", 3000).Upload
				r.send(alice, up.ID, content, 0, 1500)
				r.send(alice, up.ID, content, 1500, 1500)
				denied.Store(true)
				if _, err := r.tryFinish(alice, up.ID, gateway.FinishRequest{Size: -1}); err == nil {
					t.Fatal("it was finished")
				}
				before := tries.Load()
				time.Sleep(2 * time.Hour)
				n := tries.Load() - before
				if n < 4 || n > 100 {
					t.Errorf("tried %d times in two hours", n)
				}
				denied.Store(false)
				time.Sleep(20 * time.Minute)
				synctest.Wait()
				if got, err := d.ReadFile(memDir + "/f"); err != nil || string(got) != string(content) {
					t.Errorf("it is not there: %v", err)
				}
				if u, err := r.Get(t.Context(), alice, up.ID); err != nil || u.State != gateway.Done {
					t.Errorf("%+v, %v", u, err)
				}
			})
		})
	}
}

// Staging that could not be removed at the end is removed later, by another
// gateway too, and the upload is done all the while.
func TestWhatIsLeftBehindIsClearedAway(t *testing.T) {
	t.Parallel()
	st := embedded(t)
	synctest.Test(t, func(t *testing.T) {
		d := emptyDisk(t)
		var denied atomic.Bool
		o := remotetest.ServerOptions{Gate: func(op remotetest.Op) error {
			if denied.Load() && strings.Contains(op.Path, "/gen-") && op.Path2 != "" && !strings.Contains(op.Path2, "/gen-") && op.Path2 != memDir+"/f" {
				return syscall.EBUSY
			}
			return nil
		}}
		a := onDisk(t, d, st, o)
		content := noise(3000)
		up := a.open(alice, "f", 3000).Upload
		a.send(alice, up.ID, content, 0, 1500)
		a.send(alice, up.ID, content, 1500, 1500)
		denied.Store(true)
		a.finish(alice, up.ID)
		a.stop()
		if !strings.Contains(d.Tree(), "gen-") {
			t.Fatal("nothing is left behind")
		}
		b := onDisk(t, d, st, o)
		defer b.stop()
		b.Tend()
		for range 10 {
			time.Sleep(5 * time.Second)
			if u, err := b.Get(t.Context(), alice, up.ID); err != nil || u.State != gateway.Done {
				t.Errorf("told as %s, %v", u.State, err)
			}
		}
		denied.Store(false)
		time.Sleep(20 * time.Minute)
		synctest.Wait()
		if tree := d.Tree(); strings.Contains(tree, ".sftpgate") {
			t.Errorf("staging is left:\n%s", tree)
		}
		if left, err := st.Pending(t.Context()); err != nil || len(left) > 0 {
			t.Errorf("pending: %v, %v", left, err)
		}
	})
}

// Of two gateways one sweeps a host, slowly, and both leave it alone then for a day.
func TestSweptOnceADay(t *testing.T) {
	t.Parallel()
	st := embedded(t)
	synctest.Test(t, func(t *testing.T) {
		d := emptyDisk(t)
		const rubbish = memDir + "/deep/.bbbbbbbbbbbbbbbbbbbbbbbbbb.sftpgate"
		if err := d.MkdirAll(memDir + "/deep"); err != nil {
			t.Fatal(err)
		}
		if err := d.WriteFile(rubbish, nil); err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		read := map[string][]time.Time{}
		for _, name := range []string{"A", "B"} {
			o := sshpool.Options{Dial: d.Dial(remotetest.ServerOptions{Client: name, Gate: func(op remotetest.Op) error {
				if op.Kind == remotetest.Opendir {
					mu.Lock()
					read[name] = append(read[name], time.Now())
					mu.Unlock()
				}
				return nil
			}})}
			s := gatewayWith(t, st, o, gateway.Config{ExpireAfter: time.Minute}, memoryHost("web-1"))
			s.Tend()
			defer (&rig{Service: s, t: t}).stop()
		}
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		if d.Exists(rubbish) {
			t.Error("nobody has swept")
		}
		if len(read["A"]) > 0 && len(read["B"]) > 0 {
			t.Errorf("both have swept: %v", read)
		}
		walk := append(read["A"], read["B"]...)
		if len(walk) == 0 || walk[len(walk)-1].Sub(walk[0]) > time.Minute {
			t.Fatalf("swept more than once: %v", walk)
		}
		if walk[len(walk)-1].Sub(walk[0]) < 40*time.Millisecond {
			t.Errorf("two directories were read at once: %v", walk)
		}
	})
}

// A filesystem that cannot even record that a finish was asked for is gone on with, too,
// once it can: nobody needs to ask again.
func TestAFinishThatCouldNotBeRecorded(t *testing.T) {
	t.Parallel()
	for what, hinder := range map[string]func(d *remotetest.Disk, on bool){
		"read-only": func(d *remotetest.Disk, on bool) { d.SetReadOnly(on) },
		"full": func(d *remotetest.Disk, on bool) {
			if d.SetCapacity(-1); on {
				d.SetCapacity(d.UsedBytes())
			}
		},
	} {
		t.Run(what, func(t *testing.T) {
			st := embedded(t)
			synctest.Test(t, func(t *testing.T) {
				d := emptyDisk(t)
				r := onDisk(t, d, st, remotetest.ServerOptions{})
				defer r.stop()
				other := onDisk(t, d, st, remotetest.ServerOptions{}) // which knows nothing of it
				defer other.stop()
				other.Tend()
				r.Tend()
				content := noise(3000)
				up := r.open(alice, "f", 3000).Upload
				r.send(alice, up.ID, content, 0, 1500)
				r.send(alice, up.ID, content, 1500, 1500)
				time.Sleep(time.Minute) // whatever merges ahead has come to its end
				hinder(d, true)
				if _, err := r.Finish(t.Context(), alice, up.ID, gateway.FinishRequest{Size: -1}); err == nil {
					t.Fatal("it was noted")
				}
				time.Sleep(2 * time.Hour)
				if u, err := r.Get(t.Context(), alice, up.ID); err != nil || u.State != gateway.Failed || u.Error == nil {
					t.Errorf("while it cannot: %+v, %v", u, err)
				}
				hinder(d, false)
				time.Sleep(20 * time.Minute)
				synctest.Wait()
				if got, err := d.ReadFile(memDir + "/f"); err != nil || string(got) != string(content) {
					t.Errorf("it is not there: %v", err)
				}
			})
		})
	}
}

// So it is where the gateway that was asked has died meanwhile: another one goes on with
// what was asked for, and checks the digest that came with it.
func TestAFinishThatCouldNotBeRecordedIsInherited(t *testing.T) {
	t.Parallel()
	for what, right := range map[string]bool{"the right digest": true, "a wrong digest": false} {
		t.Run(what, func(t *testing.T) {
			st := embedded(t)
			synctest.Test(t, func(t *testing.T) {
				d := emptyDisk(t)
				r, other := onDisk(t, d, st, remotetest.ServerOptions{}), onDisk(t, d, st, remotetest.ServerOptions{})
				defer other.stop()
				r.Tend()
				other.Tend()
				content := noise(3000)
				digest := digestOf(content)
				if !right {
					digest[0]++
				}
				up := r.open(alice, "f", 3000).Upload
				r.send(alice, up.ID, content, 0, 1500)
				r.send(alice, up.ID, content, 1500, 1500)
				time.Sleep(time.Minute) // whatever merges ahead has come to its end
				d.SetReadOnly(true)
				if _, err := r.Finish(t.Context(), alice, up.ID, gateway.FinishRequest{Size: -1, Digest: &digest}); err == nil {
					t.Fatal("it was noted")
				}
				time.Sleep(time.Minute)
				r.stop()
				time.Sleep(2 * time.Hour)
				d.SetReadOnly(false)
				time.Sleep(20 * time.Minute)
				synctest.Wait()
				u, err := other.Get(t.Context(), alice, up.ID)
				if err != nil {
					t.Fatal(err)
				}
				if got, err := d.ReadFile(memDir + "/f"); right && (err != nil || string(got) != string(content) || u.State != gateway.Done || u.Verified != "sha-256") {
					t.Errorf("it is not there: %v, %+v", err, u)
				}
				if !right && (d.Exists(memDir+"/f") || u.State != gateway.Failed || gateway.CodeOf(u.Error) != gateway.DigestMismatch) {
					t.Errorf("%+v", u)
				}
			})
		})
	}
}
