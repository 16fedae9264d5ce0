package gateway_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sftpgate/gateway"
	"sftpgate/remote/hosts"
	"sftpgate/remote/merge/engine"
	"sftpgate/remote/record"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/sshpool"
)

// The proof by replay: an upload runs against a disk in memory that logs every
// operation. Then the power is cut after every prefix of the log, what was not
// synced is kept or dropped, and a fresh gateway with an empty registry
// recovers. At every point the target must be absent or exact, every
// acknowledged byte must still be there, and the upload must come to its end.

const memDir = "/srv/files"

func memoryHost(id string) hosts.Host {
	return hosts.Host{ID: id, Address: "127.0.0.1", Port: 22, User: "deploy", Password: hosts.NewSecret("none"),
		HostKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPXhIl6ErICEQSHaBPCSrHfiuQ/1L68zdq0lBNBJqiX0", Roots: []string{memDir}, Connections: 2, Engine: "stream"}
}

// onDisk is a gateway with a registry of its own before a disk in memory.
func onDisk(t testing.TB, d *remotetest.Disk, st store, o remotetest.ServerOptions) *rig {
	t.Helper()
	return onDiskBy(t, "stream", d, st, o)
}

// onDiskBy is onDisk with another engine.
func onDiskBy(t testing.TB, engine string, d *remotetest.Disk, st store, o remotetest.ServerOptions) *rig {
	t.Helper()
	h := memoryHost("web-1")
	h.Engine = engine
	return &rig{gatewayOn(t, st, sshpool.Options{Dial: d.Dial(o)}, h), t, nil, memDir}
}

// witness notes how long the log was when something was acknowledged.
type witness struct {
	disk  *remotetest.Disk
	mu    sync.Mutex
	acks  []ack
	scene int // the log's length before the upload began
	done  int // and when it was said to be done
}

type ack struct {
	at   int
	span record.Span
}

func (w *witness) acked(off, length int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.acks = append(w.acks, ack{len(w.disk.Log()), record.Span{Off: off, Len: length}})
}

// owed is what was acknowledged when the log had n entries.
func (w *witness) owed(n int) record.Spans {
	var owed record.Spans
	for _, a := range w.acks {
		if a.at <= n {
			owed = owed.With(a.span)
		}
	}
	return owed
}

// flow is a way to upload that is replayed.
type flow struct {
	name    string
	size    int64
	chunk   int64
	order   []int
	edit    func(*gateway.OpenRequest)
	prepare func(*remotetest.Disk)
	server  remotetest.ServerOptions
	givenUp int    // bytes of another file, sent to the same path before
	engine  string // "" is stream
	far     bool   // bodies go over several connections
	// cut is the last operation before the power is cut for a first time, after
	// which keep says what is left: what is replayed is what comes then.
	cut  func(remotetest.Op) bool
	keep remotetest.Keep
	// engines are known to have proved themselves, unless all is explored: that is
	// most of the work for a gateway that recovers.
	engines *engine.Set
	// harsh leaves out the cuts after which something is kept that was not synced.
	harsh bool
}

func withDigest(n int) func(*gateway.OpenRequest) {
	digest := digestOf(noise(n))
	return func(o *gateway.OpenRequest) { o.Digest = &digest }
}

var flows = []flow{
	{name: "three chunks out of order", size: 2500, chunk: 1000, order: []int{2, 0, 1}},
	{name: "one chunk", size: 900, chunk: 1000, order: []int{0}},
	{name: "empty", size: 0, chunk: 1000},
	{name: "replace", size: 2500, chunk: 1000, order: []int{1, 2, 0}, edit: replace,
		prepare: func(d *remotetest.Disk) { _ = d.WriteFile(memDir+"/f", []byte("old")) }},
	{name: "no hard links", size: 1500, chunk: 1000, order: []int{1, 0}, server: remotetest.ServerOptions{NoHardLinks: true}},
	{name: "one chunk without hard links", size: 900, chunk: 1000, order: []int{0}, edit: withDigest(900),
		server: remotetest.ServerOptions{NoHardLinks: true}},
	{name: "declared digest", size: 2500, chunk: 1000, order: []int{0, 2, 1}, edit: withDigest(2500)},
	{name: "restart over a file given up", size: 1500, chunk: 1000, order: []int{1, 0}, edit: restart, givenUp: 1200},
	{name: "copied by the host", size: 2500, chunk: 1000, order: []int{2, 0, 1}, engine: "copy-data"},
	{name: "copied by a shell", size: 2500, chunk: 1000, order: []int{2, 0, 1}, engine: "shell", server: remotetest.ServerOptions{Shell: true}},
	{name: "copied together by a shell", size: 1500, chunk: 500, order: []int{2, 0, 1}, engine: "shell", far: true, harsh: true, server: remotetest.ServerOptions{Shell: true}},
	{name: "over several connections", size: 1_300_000, chunk: 560_000, order: []int{1, 0, 2}, far: true, harsh: true},
	{name: "cut before, when a chunk had its name", size: 1500, chunk: 1000, order: []int{1, 0}, harsh: true,
		cut: isFirst(remotetest.Rename, "chunks"), keep: remotetest.KeepAll},
	{name: "cut before, in a copy", size: 2500, chunk: 1000, order: []int{1, 0, 2}, engine: "copy-data", harsh: true,
		cut: isFirst(remotetest.Write, "part."), keep: remotetest.KeepAll},
	{name: "cut before, in a copy of a shell", size: 2500, chunk: 1000, order: []int{1, 0, 2}, engine: "shell", server: remotetest.ServerOptions{Shell: true}, harsh: true,
		cut: isFirst(remotetest.Write, "part."), keep: remotetest.KeepAll},
	{name: "cut before, when the part was synced", size: 1500, chunk: 1000, order: []int{0, 1}, harsh: true,
		cut: isFirst(remotetest.Fsync, "part."), keep: remotetest.DropUnsynced},
	{name: "cut before, when the target was there", size: 1500, chunk: 1000, order: []int{0, 1}, harsh: true,
		cut: func(op remotetest.Op) bool { return op.Path2 == memDir+"/f" }, keep: remotetest.KeepAll},
}

// isFirst finds an operation on, or to, something of an upload's staging.
func isFirst(kind remotetest.Kind, in string) func(remotetest.Op) bool {
	return func(op remotetest.Op) bool {
		return op.Kind == kind && strings.Contains(op.Path+" "+op.Path2, "/.f.sftpgate/") && strings.Contains(op.Path+" "+op.Path2, "/"+in)
	}
}

func (f flow) content() []byte { return noise(int(f.size)) }

// run uploads once and returns the disk with its log.
func (f flow) run(t *testing.T) *witness {
	t.Helper()
	w := f.fromTheBeginning(t)
	if f.cut == nil {
		return w
	}
	at := slices.IndexFunc(w.disk.Log(), f.cut) + 1
	if at <= w.scene {
		t.Fatal("the operation before the first cut is never done")
	}
	d := w.disk.At(at, f.keep)
	next := &witness{disk: d}
	for _, s := range w.owed(at) {
		next.acked(s.Off, s.Len)
	}
	f.upload(t, f.rig(t, d), next)
	next.done = len(d.Log())
	return next
}

func (f flow) rig(t *testing.T, d *remotetest.Disk) *rig {
	t.Helper()
	h, o := memoryHost("web-1"), sshpool.Options{Dial: d.Dial(f.server)}
	h.Engine = cmp.Or(f.engine, h.Engine)
	if f.far {
		h.Connections, o = farConnections, away("far", sshpool.Options{Dial: numbered(d, f.server.Shell)})
	}
	return &rig{gatewayWith(t, embedded(t), o, gateway.Config{Engines: f.engines}, h), t, nil, memDir}
}

// farConnections are more than a merge has in use.
const farConnections = 6

// numbered gives each connection to a disk a name of its own in the log, and the
// disk a moment for each write: on a clock that moves when everything waits one
// connection has not done it all then before another one is open.
func numbered(d *remotetest.Disk, shell bool) func(context.Context, hosts.Host) (sshpool.Transport, error) {
	var dials atomic.Int64
	gate := func(op remotetest.Op) error {
		if op.Kind == remotetest.Write && isAttempt(op) {
			time.Sleep(2 * time.Millisecond)
		}
		return nil
	}
	return func(ctx context.Context, h hosts.Host) (sshpool.Transport, error) {
		return d.Dial(remotetest.ServerOptions{Client: fmt.Sprint("connection ", dials.Add(1)), Gate: gate, Shell: shell})(ctx, h)
	}
}

// spread reports whether an attempt was written over several connections.
func spread(d *remotetest.Disk) bool {
	by := map[string]string{}
	for _, op := range d.Log() {
		if op.Kind != remotetest.Write || !isAttempt(op) {
			continue
		}
		if one, known := by[op.Path]; known && one != op.Client {
			return true
		}
		by[op.Path] = op.Client
	}
	return false
}

func (f flow) fromTheBeginning(t *testing.T) *witness {
	t.Helper()
	d := remotetest.NewDisk()
	if err := d.MkdirAll(memDir); err != nil {
		t.Fatal(err)
	}
	if f.prepare != nil {
		f.prepare(d)
	}
	r := f.rig(t, d)
	if f.far { // bodies before it have all connections opened
		for range farConnections {
			up := r.open(alice, "before", f.size).Upload
			r.send(alice, up.ID, f.content(), 0, f.chunk)
			if err := r.Cancel(t.Context(), alice, up.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
	w := &witness{disk: d, scene: len(d.Log())}
	if f.givenUp > 0 {
		up := r.open(alice, "f", int64(f.givenUp)).Upload
		r.send(alice, up.ID, noise(f.givenUp), 0, int64(f.givenUp)/2)
		w.scene = len(d.Log())
	}
	f.upload(t, r, w)
	w.done = len(d.Log())
	return w
}

func (f flow) open(r *rig) (gateway.Opened, error) {
	return r.tryOpen(alice, "f", f.size, func(o *gateway.OpenRequest) {
		if f.edit != nil {
			f.edit(o)
		}
	})
}

func (f flow) upload(t *testing.T, r *rig, w *witness) {
	t.Helper()
	o, err := f.open(r)
	switch {
	case gateway.CodeOf(err) == gateway.TargetExists && f.cut != nil: // so far it had come before
	case err != nil:
		t.Fatal(err)
	default:
		for _, i := range f.order {
			off := int64(i) * f.chunk
			n := min(f.chunk, f.size-off)
			r.send(alice, o.Upload.ID, f.content(), off, n)
			w.acked(off, n)
		}
		r.finish(alice, o.Upload.ID)
	}
	r.exactOn(w.disk, f.content())
}

func (r *rig) exactOn(d *remotetest.Disk, content []byte) {
	r.t.Helper()
	got, err := d.ReadFile(memDir + "/f")
	if err != nil || !bytes.Equal(got, content) {
		r.t.Fatalf("target has %d bytes (%v), want the exact %d\n%s", len(got), err, len(content), d.Tree())
	}
}

// recoverAll cuts the power after every operation and recovers where that is to be
// explored. Where it leaves the very disk that the cut before has left, with nothing
// more owed, that is no state of its own.
func (f flow) recoverAll(t *testing.T, w *witness, keep int) (explored, states int) {
	t.Helper()
	if !*prove {
		f.engines = engine.NewSet()
	}
	log := w.disk.Log()
	var before map[string]remotetest.Entry
	for n := w.scene; n <= len(log); n++ {
		d := w.disk.At(n, keeps[keep].of(len(log)))
		now := d.Snapshot()
		if n > w.scene && n != w.done && w.owed(n).Bytes() == w.owed(n-1).Bytes() && maps.EqualFunc(before, now, sameEntry) {
			continue
		}
		before = now
		states++
		if explores(log, n, keep) {
			explored++
			synctest.Test(t, func(t *testing.T) { f.recover(t, w, n, d) })
		}
	}
	return explored, states
}

func sameEntry(a, b remotetest.Entry) bool {
	return a.Mode == b.Mode && a.Size == b.Size && bytes.Equal(a.Data, b.Data) && a.Link == b.Link && a.Inode == b.Inode && a.Mtime == b.Mtime
}

// recover checks what is owed on the disk that the cut after n operations has
// left, and brings the upload to its end.
func (f flow) recover(t *testing.T, w *witness, n int, d *remotetest.Disk) {
	t.Helper()
	if err := f.standing(d); err != nil {
		t.Fatalf("after %d operations: %v", n, err)
	}
	whole := n >= w.done
	r := f.rig(t, d)
	defer r.stop()
	o, err := f.open(r)
	published := gateway.CodeOf(err) == gateway.TargetExists
	if whole && f.prepare == nil && !published {
		t.Fatalf("after the end: opened as %+v, %v", o, err)
	}
	if published { // with nothing left of the staging, or the end was not noted
		r.exactOn(d, f.content())
		return
	}
	if err != nil {
		t.Fatalf("after %d operations: open: %v\n%s", n, err, d.Tree())
	}
	var got record.Spans
	for _, p := range o.Upload.Received {
		got = got.With(record.Span{Off: p[0], Len: p[1] - p[0]})
	}
	exactAlready := f.isExact(d)
	for _, owed := range w.owed(n) {
		if !exactAlready && !got.Covers(owed) {
			t.Fatalf("after %d operations: %s was acknowledged and is gone; received %v\n%s\n%s", n, owed, got, d.Tree(), tail(w.disk, n))
		}
	}
	for _, i := range f.order {
		off := int64(i) * f.chunk
		r.send(alice, o.Upload.ID, f.content(), off, min(f.chunk, f.size-off))
		if err := f.standing(d); err != nil {
			t.Fatalf("after %d operations and chunk %d: %v", n, i, err)
		}
	}
	r.finish(alice, o.Upload.ID)
	r.exactOn(d, f.content())
	if d.Exists(memDir + "/.f.sftpgate") {
		t.Fatalf("after %d operations and the end a claim is left\n%s", n, d.Tree())
	}
}

// standing checks that the target is absent, the old file, or exact.
func (f flow) standing(d *remotetest.Disk) error {
	got, err := d.ReadFile(memDir + "/f")
	switch {
	case err != nil && f.prepare == nil, bytes.Equal(got, f.content()) && err == nil:
		return nil
	case f.prepare != nil && (string(got) == "old"):
		return nil
	}
	return fmt.Errorf("the target is visible with %d bytes (%v)", len(got), err)
}

func (f flow) isExact(d *remotetest.Disk) bool {
	got, err := d.ReadFile(memDir + "/f")
	return err == nil && bytes.Equal(got, f.content())
}

// tail shows the end of the log that a failure is about.
func tail(d *remotetest.Disk, n int) string {
	log := d.Log()[:n]
	var b strings.Builder
	for _, op := range log[max(0, len(log)-25):] {
		fmt.Fprintln(&b, op)
	}
	return b.String()
}

func (r *rig) stop() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := r.Shutdown(ctx); err != nil && !errors.Is(err, context.Canceled) {
		r.t.Error(err)
	}
}

func TestReplayEveryPrefix(t *testing.T) {
	t.Parallel()
	for _, f := range flows {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			var w *witness
			synctest.Test(t, func(t *testing.T) { w = f.run(t) })
			if f.far && f.engine == "" && !spread(w.disk) {
				t.Fatal("no body goes over several connections")
			}
			for keep, k := range keeps {
				if f.harsh && k.name != dropped {
					continue
				}
				t.Run(k.name, func(t *testing.T) {
					explored, states := f.recoverAll(t, w, keep)
					t.Logf("explored %d of %d states", explored, states)
				})
			}
		})
	}
}
