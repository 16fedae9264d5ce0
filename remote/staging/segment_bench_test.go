package staging_test

import (
	"bytes"
	"errors"
	"log/slog"
	"testing"

	"sftpgate/remote/hosts"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/sshpool"
	"sftpgate/remote/staging"
)

const segment = 8 << 20

// BenchmarkSegment is a segment of a body on its way to a committed chunk: 33
// packets, an fsync and a rename. What is allocated is of this process, so
// beside OpenSSH all of it is the gateway's, and on a disk in memory the disk's too.
func BenchmarkSegment(b *testing.B) {
	content := bytes.Repeat([]byte("0123456789abcde\n"), segment/16)
	b.Run("openssh", func(b *testing.B) {
		d := remotetest.StartSSHD(b, remotetest.SSHDOptions{})
		g := generation(b, d.Host("h"), sshpool.Options{})
		b.ReportAllocs()
		b.SetBytes(segment)
		for b.Loop() {
			commit(b, g, content)
		}
	})
	b.Run("memory", func(b *testing.B) {
		const renewed = 8 // the disk remembers whatever was written to it
		var g *staging.Generation
		b.ReportAllocs()
		b.SetBytes(segment)
		for i := 0; b.Loop(); i++ {
			if i%renewed == 0 {
				b.StopTimer()
				d := remotetest.NewDisk()
				if err := d.MkdirAll("/srv/files"); err != nil {
					b.Fatal(err)
				}
				g = generation(b, hosts.Host{ID: "h", Address: "h.invalid", User: "u", KeyFile: "/none", KnownHosts: "/none",
					Roots: []string{"/srv/files"}}, sshpool.Options{Dial: d.Dial(remotetest.ServerOptions{})})
				b.StartTimer()
			}
			commit(b, g, content)
		}
	})
}

// generation is an upload on a host that nobody else looks at.
func generation(b *testing.B, config hosts.Host, o sshpool.Options) *staging.Generation {
	b.Helper()
	set, err := hosts.NewSet(config)
	if err != nil {
		b.Fatal(err)
	}
	links := sshpool.New(set, o)
	b.Cleanup(func() { _ = links.Close() })
	pool, _ := links.Host(config.ID)
	h := staging.New(pool, slog.New(slog.DiscardHandler))
	t, err := h.Resolve(b.Context(), set.All()[0].Roots[0]+"/f", false)
	if err != nil {
		b.Fatal(err)
	}
	scene, err := h.Look(b.Context(), t, "alice")
	if err != nil {
		b.Fatal(err)
	}
	g, _, err := h.Create(b.Context(), t, meta("alice", "id", segment), scene)
	if err != nil {
		b.Fatal(err)
	}
	return g
}

// commit puts the content at offset 0. The same again takes its place.
func commit(b *testing.B, g *staging.Generation, content []byte) {
	b.Helper()
	a, err := g.Attempt(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	_, err = a.Fill(b.Context(), bytes.NewReader(content))
	if err = errors.Join(err, a.Seal(b.Context())); err != nil {
		b.Fatal(err)
	}
	if _, err := a.Commit(b.Context(), g, 0); err != nil {
		b.Fatal(err)
	}
}
