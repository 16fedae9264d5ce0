package staging_test

import (
	"bytes"
	"fmt"
	"path"
	"sync/atomic"
	"testing"

	"sftpgate/remote/hosts"
	"sftpgate/remote/record"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/sshpool"
	"sftpgate/remote/staging"
)

// loose are hosts on which a record can take the place of another one of its number.
var loose = map[string]remotetest.ServerOptions{
	"rename looks first": {NoHardLinks: true},
	"rename replaces":    {NoHardLinks: true, RenameOverwrites: true},
}

// onLoose is a site on such a host, with its disk; gate sees what is asked of it.
func onLoose(t *testing.T, o remotetest.ServerOptions, gate func(remotetest.Op) error) (*site, *remotetest.Disk) {
	t.Helper()
	d := remotetest.NewDisk()
	if err := d.MkdirAll("/srv/files"); err != nil {
		t.Fatal(err)
	}
	o.Gate = gate
	return newSite(t, &site{
		root:    "/srv/files",
		config:  hosts.Host{ID: "h", Address: "h.invalid", User: "u", KeyFile: "/none", KnownHosts: "/none", Roots: []string{"/srv/files"}},
		options: sshpool.Options{Dial: d.Dial(o)},
	}), d
}

// rival is the record that another gateway writes at the same time, and its name.
func rival(t *testing.T, g *staging.Generation, i int) (name string, content []byte) {
	t.Helper()
	next := g.State().Next()
	err := merged(i)(g.State(), &next)
	if err == nil {
		content, err = record.Encode(next)
	}
	if err != nil {
		t.Fatal(err)
	}
	return path.Join(g.Dir(), fmt.Sprintf("record.%d", next.Seq)), content
}

// Another gateway's record takes the place of one that was just written: that is seen,
// and it is written again.
func TestRecordThatIsReplacedAtOnce(t *testing.T) {
	t.Parallel()
	for what, o := range loose {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			var d *remotetest.Disk
			var armed atomic.Bool
			var dir, name string
			var theirs []byte
			var s *site
			s, d = onLoose(t, o, func(op remotetest.Op) error {
				if op.Kind == remotetest.Fsync && op.Path == dir && armed.CompareAndSwap(true, false) {
					return d.WriteFile(name, theirs)
				}
				return nil
			})
			target := s.target("a")
			g := s.create(target, "alice", "id", 100_000)
			dir = g.Dir()
			name, theirs = rival(t, g, 1)
			armed.Store(true)
			s.check(g.Advance(s.ctx, merged(0)))
			if armed.Load() {
				t.Fatal("it was not replaced")
			}
			s.wantMerged(target, 2)
		})
	}
}

// It takes its place later: then the chunks that it spoke of are not freed.
func TestNothingIsFreedByARecordThatWasReplaced(t *testing.T) {
	t.Parallel()
	for what, o := range loose {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s, d := onLoose(t, o, nil)
			target := s.target("a")
			g := s.create(target, "alice", "id", 100_000)
			name, theirs := rival(t, g, 1)
			a, err := g.Attempt(s.ctx)
			s.check(err)
			_, err = a.Fill(s.ctx, bytes.NewReader([]byte("0123456789")))
			s.check(err)
			s.check(a.Seal(s.ctx))
			c, err := a.Commit(s.ctx, g, 0)
			s.check(err)
			s.check(g.Advance(s.ctx, func(_ record.State, next *record.Record) error {
				next.Merged, next.Chunks = next.Merged.With(c.Span), append(next.Chunks, c)
				return nil
			}))
			s.check(d.WriteFile(name, theirs))
			ok, err := g.FreeMerged(s.ctx, []staging.Staged{g.StagedAt(c)})
			s.check(err)
			if left, err := g.Chunks(s.ctx); ok || err != nil || len(left) != 1 {
				t.Errorf("freed: %v; left %v, %v", ok, left, err)
			}
		})
	}
}
