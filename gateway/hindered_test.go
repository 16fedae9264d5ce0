package gateway_test

import (
	"bytes"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"sftpgate/gateway"
	"sftpgate/gateway/access"
	"sftpgate/remote/remotetest"
)

func (r *rig) put(c access.Caller, name string, content []byte, ifExists gateway.IfExists) (gateway.PutResult, error) {
	return r.PutFile(r.t.Context(), c, gateway.PutRequest{Host: "web-1", Path: r.path(name), Size: int64(len(content)),
		R: bytes.NewReader(content), Options: gateway.Options{IfExists: ifExists}})
}

// Servers answer one status to much. What stands behind it is said, and that to try
// again helps only where it does.
func TestWhatKeepsTheHostFromStoring(t *testing.T) {
	t.Parallel()
	content := noise(3000)
	for what, c := range map[string]struct {
		hinder    func(d *remotetest.Disk, deny *atomic.Pointer[syscall.Errno])
		code      gateway.Code
		words     string
		retryable bool
	}{
		"read-only": {func(d *remotetest.Disk, _ *atomic.Pointer[syscall.Errno]) { d.SetReadOnly(true) }, gateway.PermissionDenied, "read-only", false},
		"quota":     {func(_ *remotetest.Disk, deny *atomic.Pointer[syscall.Errno]) { e := syscall.EDQUOT; deny.Store(&e) }, gateway.NoSpace, "quota", true},
		"failing":   {func(_ *remotetest.Disk, deny *atomic.Pointer[syscall.Errno]) { e := syscall.EIO; deny.Store(&e) }, gateway.HostError, "input/output", true},
		"full":      {func(d *remotetest.Disk, _ *atomic.Pointer[syscall.Errno]) { d.SetCapacity(d.UsedBytes()) }, gateway.NoSpace, "space", true},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			for step, do := range map[string]func(r *rig, id string) error{
				"open":  func(r *rig, _ string) error { _, err := r.tryOpen(alice, "other", 3000); return err },
				"chunk": func(r *rig, id string) error { return r.trySend(alice, id, content, 1000, 2000) },
				"put":   func(r *rig, _ string) error { _, err := r.put(alice, "other", content, ""); return err },
				"record": func(r *rig, id string) error {
					_, err := r.DeclareDigest(r.t.Context(), alice, id, gateway.Digest{1})
					return err
				},
				"make_dirs": func(r *rig, _ string) error {
					_, err := r.tryOpen(alice, "new/other", 3000, func(o *gateway.OpenRequest) { o.MakeDirs = true })
					return err
				},
				"cancel": func(r *rig, id string) error { return r.Cancel(r.t.Context(), alice, id) },
			} {
				if what != "read-only" && (step == "make_dirs" || step == "cancel") {
					continue // takes no room to speak of
				}
				d := emptyDisk(t)
				var deny atomic.Pointer[syscall.Errno]
				r := onDisk(t, d, embedded(t), remotetest.ServerOptions{Gate: func(op remotetest.Op) error {
					switch why := deny.Load(); {
					case why == nil:
					case op.Kind == remotetest.Write, *why == syscall.EIO && op.Kind == remotetest.Fsync: // a quota is about room alone
						return *why
					}
					return nil
				}})
				up := r.open(alice, "f", 3000).Upload
				r.send(alice, up.ID, content, 0, 1000)
				c.hinder(d, &deny)
				err := do(r, up.ID)
				if gateway.CodeOf(err) != c.code {
					t.Fatalf("%s: got %v, want code %s", step, err, c.code)
				}
				e := wantCode(t, err, c.code)
				if !strings.Contains(e.Detail, c.words) || e.Retryable() != c.retryable {
					t.Errorf("%s: %s (retryable: %v)", step, e.Detail, e.Retryable())
				}
				d.SetReadOnly(false)
				d.SetCapacity(-1)
				deny.Store(nil)
				if step == "cancel" {
					continue
				}
				r.send(alice, up.ID, content, 0, 3000)
				if step != "record" {
					r.finish(alice, up.ID)
					r.exactOn(d, content)
				}
			}
		})
	}
}
