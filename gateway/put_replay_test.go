package gateway_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"sftpgate/gateway"
	"sftpgate/remote/remotetest"
)

// The proof by replay for a file in one request: after every prefix of the log
// the target is absent, the old file or exact, what was answered stands, and the
// same request again brings it to its end.
func TestReplayPut(t *testing.T) {
	t.Parallel()
	content := noise(900)
	at := uint32(0o600)
	mode := func(r *gateway.PutRequest) { r.Mode = &at }
	anew := func(r *gateway.PutRequest) { r.IfExists = gateway.ReplaceIfExists }
	for name, c := range map[string]struct {
		old    string
		edit   func(*gateway.PutRequest)
		server remotetest.ServerOptions
	}{
		"new":                     {},
		"with a mode":             {edit: mode},
		"new, may replace":        {edit: anew},
		"replaced":                {old: "old", edit: anew},
		"no hard links":           {server: remotetest.ServerOptions{NoHardLinks: true}},
		"replaced without rename": {old: "old", edit: anew, server: remotetest.ServerOptions{Deny: []string{"posix-rename@openssh.com"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := flow{size: int64(len(content)), server: c.server}
			if c.old != "" {
				f.prepare = func(d *remotetest.Disk) { _ = d.WriteFile(memDir+"/f", []byte(c.old)) }
			}
			put := func(r *rig) error {
				req := gateway.PutRequest{Host: "web-1", Path: r.path("f"), Size: f.size, R: bytes.NewReader(content)}
				if c.edit != nil {
					c.edit(&req)
				}
				_, err := r.PutFile(r.t.Context(), alice, req)
				return err
			}
			var d *remotetest.Disk
			var scene int
			synctest.Test(t, func(t *testing.T) { d, scene = f.putOnce(t, put) })
			log := d.Log()
			for n := scene; n <= len(log); n++ {
				for _, k := range keeps {
					synctest.Test(t, func(t *testing.T) {
						if err := again(t, f, d.At(n, k.of(n)), n == len(log), put); err != nil {
							t.Fatalf("after %d operations, %s: %v\n%s", n, k.name, err, tail(d, n))
						}
					})
				}
			}
			t.Logf("explored %d states", len(keeps)*(len(log)-scene+1))
		})
	}
}

// putOnce puts the file before a gateway that knows what its host can do, and
// returns the disk and how long its log was before.
func (f flow) putOnce(t *testing.T, put func(*rig) error) (d *remotetest.Disk, scene int) {
	t.Helper()
	d = emptyDisk(t)
	if f.prepare != nil {
		f.prepare(d)
	}
	r := f.rig(t, d)
	defer r.stop()
	if _, err := r.PutFile(t.Context(), alice, gateway.PutRequest{Host: "web-1", Path: memDir + "/other", Size: 1, R: strings.NewReader("x")}); err != nil {
		t.Fatal(err)
	}
	scene = len(d.Log())
	if err := put(r); err != nil {
		t.Fatal(err)
	}
	return d, scene
}

// again looks at what a cut has left, and sends the file once more.
func again(t *testing.T, f flow, d *remotetest.Disk, answered bool, put func(*rig) error) error {
	t.Helper()
	exact := f.isExact(d)
	twoSteps := len(f.server.Deny) > 0 && f.prepare != nil && !d.Exists(memDir+"/f") // for a moment there was none, as is said
	if err := f.standing(d); err != nil && !twoSteps {
		return err
	}
	if answered && !exact {
		return fmt.Errorf("what was answered is gone\n%s", d.Tree())
	}
	r := f.rig(t, d)
	defer r.stop()
	if err := put(r); err != nil && (!exact || gateway.CodeOf(err) != gateway.TargetExists) {
		return err
	}
	if !f.isExact(d) {
		return fmt.Errorf("the target is not the file\n%s", d.Tree())
	}
	return nil
}

// A file in one request is a fixed number of requests to the host: at a distance
// each that waits for another costs a round trip, near it each costs its time.
func TestPutRequests(t *testing.T) {
	t.Parallel()
	var asked tallies
	d := remotetest.NewDisk()
	if err := d.MkdirAll(memDir); err != nil {
		t.Fatal(err)
	}
	r := onDisk(t, d, embedded(t), remotetest.ServerOptions{Gate: asked.gate})
	put := func(name string) {
		t.Helper()
		content := noise(10 << 10)
		_, err := r.PutFile(t.Context(), alice, gateway.PutRequest{Host: "web-1", Path: r.path(name), Size: int64(len(content)), R: bytes.NewReader(content)})
		if err != nil {
			t.Fatal(err)
		}
	}
	put("first")
	asked.reset()
	put("second")
	// For being closed nobody waits, and with its limits a connection begins, which the
	// pool may open beside all this.
	got := asked.without(remotetest.Close, remotetest.Limits)
	// The way to the directory is looked at before the first byte and before the
	// publication, with the free space. The target, the claim twice, and the attempt
	// are looked at as well.
	for kind, most := range map[remotetest.Kind]int{remotetest.Stat: 4, remotetest.Realpath: 2, remotetest.StatVFS: 2, remotetest.Create: 1, remotetest.Write: 1,
		remotetest.Fsync: 2, remotetest.Open: 1, remotetest.Link: 1, remotetest.Remove: 1} {
		if got[kind] > most {
			t.Errorf("%d × %s, at most %d are needed", got[kind], kind, most)
		}
		delete(got, kind)
	}
	if len(got) > 0 {
		t.Errorf("asked for as well: %v", got)
	}
}
