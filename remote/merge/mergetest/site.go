package mergetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"sftpgate/remote/hosts"
	"sftpgate/remote/merge"
	"sftpgate/remote/merge/engine"
	"sftpgate/remote/record"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/remotetest/await"
	"sftpgate/remote/sshpool"
	"sftpgate/remote/staging"
)

// site is a server with an empty root of the test's own; the test sees its files.
type site struct {
	t      *testing.T
	ctx    context.Context
	sshd   *remotetest.SSHD // other tests use it as well
	root   string
	config hosts.Host
	stall  time.Duration // see sshpool.Options
	trip   time.Duration // that it takes at least, as far as a gateway knows
	engine string

	first, second *gateway // without an upload
}

func newSite(t *testing.T, engine, asked string, trip time.Duration, sshd *remotetest.SSHD) *site {
	s := &site{t: t, ctx: await.Context(t), sshd: sshd, config: sshd.Host("h"), trip: trip, engine: engine}
	root, err := filepath.EvalSymlinks(t.TempDir())
	s.check(err)
	s.root, s.config.Roots = root, []string{root}
	s.config.Connections = 3 // more only cost time here
	s.config.Engine = asked
	return s
}

// gateway is one gateway's view of an upload.
type gateway struct {
	*site
	*staging.Generation
	Engines *engine.Set
	host    *staging.Host
	close   func()
}

var quiet = slog.New(slog.DiscardHandler)

func (s *site) open() *gateway {
	s.t.Helper()
	set, err := hosts.NewSet(s.config)
	s.check(err)
	links := sshpool.New(set, sshpool.Options{Log: quiet, Stall: s.stall, RTT: s.trip})
	s.t.Cleanup(func() { _ = links.Close() })
	pool, _ := links.Host("h")
	return &gateway{site: s, Engines: engine.NewSet(), host: staging.New(pool, quiet), close: func() { _ = links.Close() }}
}

// create begins the upload of a file, at a path below the root.
func (s *site) create(name string, size int64, digest *record.Sum) *gateway {
	s.t.Helper()
	if s.first == nil {
		s.first = s.open()
	}
	g := *s.first
	target, err := g.host.Resolve(s.ctx, filepath.Join(s.root, name), true)
	s.check(err)
	scene, err := g.host.Look(s.ctx, target, "alice")
	s.check(err)
	g.Generation, _, err = g.host.Create(s.ctx, target, record.Meta{
		ID: "u", User: "alice", Host: "h", Size: size, Digest: digest, Identity: record.Identify(digest, "", size),
	}, scene)
	s.check(err)
	return &g
}

// another gateway finds the upload.
func (g *gateway) another() *gateway {
	g.t.Helper()
	if g.second == nil {
		g.second = g.open()
	}
	other := *g.second
	scene, err := other.host.Look(g.ctx, g.Target(), "alice")
	g.check(err)
	if other.Generation = scene.Mine; scene.Mine == nil {
		g.t.Fatal("another gateway does not find the upload")
	}
	return &other
}

// commit stages a chunk.
func (g *gateway) commit(off int64, content []byte) staging.Staged {
	g.t.Helper()
	a, err := g.Attempt(g.ctx)
	g.check(err)
	_, err = a.Fill(g.ctx, bytes.NewReader(content))
	g.check(errors.Join(err, a.Seal(g.ctx)))
	chunk, err := a.Commit(g.ctx, g.Generation, off)
	g.check(err)
	return g.StagedAt(chunk)
}

// cut commits content in pieces of n bytes, in random order.
func (g *gateway) cut(content []byte, n int) []staging.Staged {
	g.t.Helper()
	var staged []staging.Staged
	for off := range slices.Values(rand.Perm((len(content) + n - 1) / n)) {
		staged = append(staged, g.commit(int64(off*n), content[off*n:min(len(content), (off+1)*n)]))
	}
	return staged
}

func (g *gateway) begin() *merge.Merger {
	g.t.Helper()
	m, err := merge.Begin(g.ctx, g.Generation, g.Engines, quiet)
	g.check(err)
	if m.Engine() != g.engine {
		choice, _ := g.Engines.Chosen(g.host, g.Target().Root)
		g.t.Fatalf("the engine is %s, want %s: %s", m.Engine(), g.engine, choice.Explain())
	}
	return m
}

// merge merges chunks by a merger of its own.
func (g *gateway) merge(chunks ...staging.Staged) merge.Outcome {
	g.t.Helper()
	m := g.begin()
	out := g.round(m, chunks...)
	g.check(m.Close(g.ctx))
	return out
}

func (g *gateway) round(m *merge.Merger, chunks ...staging.Staged) merge.Outcome {
	g.t.Helper()
	out, err := m.Round(g.ctx, chunks)
	g.check(err)
	return out
}

// rest are the chunks that wait on the host.
func (g *gateway) rest() []staging.Staged {
	g.t.Helper()
	g.check(g.Reload(g.ctx))
	chunks, err := g.Chunks(g.ctx)
	g.check(err)
	return chunks
}

func (g *gateway) part() string { return g.PartPath(g.State().Epoch) }

func (g *gateway) source() string {
	g.t.Helper()
	name, err := merge.Source(g.ctx, g.Generation, g.rest(), g.Engines, quiet)
	g.check(err)
	return name
}

// exact wants the whole file ready to be published, and nothing left to merge.
func (g *gateway) exact(content []byte) {
	g.t.Helper()
	if left := g.rest(); len(left) > 0 {
		g.t.Errorf("%d chunks are left", len(left))
	}
	if !bytes.Equal(g.read(g.source()), content) {
		g.t.Fatal("the merged file is not what was sent")
	}
}

// wantMissing wants Source to ask for these bytes.
func (g *gateway) wantMissing(want record.Spans) {
	g.t.Helper()
	_, err := merge.Source(g.ctx, g.Generation, g.rest(), g.Engines, quiet)
	var missing *merge.MissingError
	if !errors.As(err, &missing) {
		g.t.Fatalf("got %v, want %v to be missing", err, want)
	}
	g.wantSpans(missing.Spans, want)
}

func (s *site) wantSpans(got, want record.Spans) {
	s.t.Helper()
	if !slices.Equal(got, want) {
		s.t.Fatalf("got %v, want %v", got, want)
	}
}

// wantChunks compares without an order.
func (s *site) wantChunks(what string, got []record.Chunk, want ...staging.Staged) {
	s.t.Helper()
	var a, b []string
	for _, c := range got {
		a = append(a, c.Name())
	}
	for _, c := range want {
		b = append(b, c.Chunk.Name())
	}
	slices.Sort(a)
	slices.Sort(b)
	if !slices.Equal(a, b) {
		s.t.Fatalf("%s: got %q, want %q", what, a, b)
	}
}

func (s *site) check(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) read(name string) []byte {
	s.t.Helper()
	b, err := os.ReadFile(name)
	s.check(err)
	return b
}

func (s *site) readAt(name string, off int64, n int) []byte {
	s.t.Helper()
	f, err := os.Open(name)
	s.check(err)
	defer f.Close()
	b := make([]byte, n)
	_, err = io.ReadFull(io.NewSectionReader(f, off, int64(n)), b)
	s.check(err)
	return b
}

// change flips bytes of a file in place.
func (s *site) change(name string, off int64, n int) {
	s.t.Helper()
	b := s.readAt(name, off, n)
	for i := range b {
		b[i] ^= 0xff
	}
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	s.check(err)
	_, err = f.WriteAt(b, off)
	s.check(errors.Join(err, f.Close()))
}

func exists(name string) bool { _, err := os.Lstat(name); return err == nil }

// noise is content that does not repeat.
func noise(n int) []byte {
	p := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{byte(n), byte(n >> 8), byte(n >> 16)}).Read(p)
	return p
}

func sum(content []byte) *record.Sum { s := record.Sum(sha256.Sum256(content)); return &s }

func span(from, to int64) record.Span { return record.Span{Off: from, Len: to - from} }
