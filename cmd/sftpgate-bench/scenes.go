package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"time"
)

const (
	kib = 1 << 10
	mib = 1 << 20
	gib = 1 << 30
)

// sizes are how much is sent.
type sizes struct {
	name     string
	oneWay   time.Duration // what the proxy holds every byte back for: half a round trip
	chunk    int64
	bulk     int64   // the one large file, nearby
	far      int64   // and far away
	finish   []int64 // files whose finish is looked at
	small    int     // files of a tree, nearby
	farSmall int     // and far away
	smallOne int64   // bytes of one of them
	crowd    int     // how many send at once where memory is looked at
	crowdOne int64   // bytes of one of them
	little   int64   // what memory is compared over
	large    int64
	synced   int // chunks that are synced to see what the disk takes
}

var (
	full = sizes{name: "full", oneWay: 25 * time.Millisecond, chunk: 8 * mib, bulk: gib, far: 512 * mib, finish: []int64{64 * mib, gib, 4 * gib},
		small: 1000, farSmall: 200, smallOne: 10 * kib, crowd: 64, crowdOne: 32 * mib, little: 256 * mib, large: 4 * gib, synced: 32}
	quick = sizes{name: "quick", oneWay: 25 * time.Millisecond, chunk: 8 * mib, bulk: 256 * mib, far: 128 * mib, finish: []int64{64 * mib, 256 * mib},
		small: 250, farSmall: 16, smallOne: 10 * kib, crowd: 64, crowdOne: 4 * mib, little: 64 * mib, large: 256 * mib, synced: 8}
)

// run is what one contestant does in a scene.
type run struct {
	name string
	do   func(ctx context.Context, s *site) (turn, error)
}

// scene is what contestants take turns at.
type scene []run

// scenes are all of them, in the order of the table.
func scenes(z sizes) []scene {
	return []scene{bulk("near", near, z.bulk, z.chunk, 4), bulk("far", far, z.far, z.chunk, 16), finishes(z),
		trees("small", near, z.small, z.smallOne, 16), trees("far-small", far, z.farSmall, z.smallOne, 32),
		memories(z), {fsyncs(z)}}
}

// bulk is one large file.
func bulk(name, host string, size, chunk int64, lanes int) scene {
	put := func(declare, shuffle bool) func(upload) upload {
		return func(u upload) upload {
			u.chunk, u.lanes, u.declare, u.shuffle = chunk, lanes, declare, shuffle
			return u
		}
	}
	all := scene{
		oneFile(name+"/chunks", host, size, warmed, put(false, true)),
		oneFile(name+"/first-chunks", host, size, cold, put(false, true)),
		peerRun(name+"/scp", size, func(ctx context.Context, s *site, file, dir string) (*exec.Cmd, error) {
			return s.scp(ctx, host, file, dir)
		}),
		oneFile(name+"/digest", host, size, warmed, put(true, false)),
		oneFile(name+"/first-digest", host, size, cold, put(true, false)),
		peerRun(name+"/sftp", size, func(ctx context.Context, s *site, file, dir string) (*exec.Cmd, error) {
			return s.sftp(ctx, host, file, dir)
		}),
		curlRun(name+"/curl", host, size, warmed),
		curlRun(name+"/first-curl", host, size, cold),
	}
	if hasRclone() {
		all = append(all, peerRun(name+"/rclone", size, func(ctx context.Context, s *site, file, dir string) (*exec.Cmd, error) {
			return s.rclone(ctx, host, file, dir, 4)
		}))
	}
	return all
}

// oneFile is an upload in chunks, as shape has it.
func oneFile(name, host string, size int64, by gatewayFor, shape func(upload) upload) run {
	return run{name, func(ctx context.Context, s *site) (turn, error) {
		file, err := s.content.file(size)
		if err != nil {
			return turn{}, err
		}
		return s.ours(ctx, job{name: name, host: host, gateway: by, from: []source{file}, to: alike(file),
			work: func(ctx context.Context, c client, dir string) (sent, error) {
				return shape(upload{client: c, file: file, target: filepath.Join(dir, filepath.Base(file.path))}).send(ctx)
			}})
	}}
}

func curlRun(name, host string, size int64, by gatewayFor) run {
	return run{name, func(ctx context.Context, s *site) (turn, error) {
		file, err := s.content.file(size)
		if err != nil {
			return turn{}, err
		}
		return s.ours(ctx, job{name: name, host: host, gateway: by, from: []source{file}, to: alike(file),
			work: func(ctx context.Context, c client, dir string) (sent, error) {
				return sent{}, c.curl(ctx, file, filepath.Join(dir, filepath.Base(file.path)))
			}})
	}}
}

func peerRun(name string, size int64, do func(ctx context.Context, s *site, file, dir string) (*exec.Cmd, error)) run {
	return run{name, func(ctx context.Context, s *site) (turn, error) {
		file, err := s.content.file(size)
		if err != nil {
			return turn{}, err
		}
		return s.theirs([]source{file}, func(dir string) (*exec.Cmd, error) { return do(ctx, s, file.path, dir) })
	}}
}

// finishes are files whose end is looked at; where the digest is declared they
// come in order.
func finishes(z sizes) scene {
	var all scene
	for _, declare := range []bool{false, true} {
		for _, size := range z.finish {
			name := "finish/" + bytesText(size)
			if declare {
				name = "finish-digest/" + bytesText(size)
			}
			all = append(all, oneFile(name, near, size, warmed, func(u upload) upload {
				u.chunk, u.lanes, u.declare, u.shuffle = z.chunk, 4, declare, !declare
				return u
			}))
		}
	}
	return all
}

// trees are many small files.
func trees(name, host string, n int, size int64, lanes int) scene {
	put := func(name string, by gatewayFor) run {
		return run{name, func(ctx context.Context, s *site) (turn, error) {
			t, err := s.content.tree(n, size)
			if err != nil {
				return turn{}, err
			}
			return s.ours(ctx, job{name: name, host: host, gateway: by, from: t.files, to: alike(t.files...),
				work: func(ctx context.Context, c client, dir string) (sent, error) {
					return sent{}, c.putAll(ctx, t, dir, lanes)
				}})
		}}
	}
	all := scene{
		put(name+"/put", warmed),
		put(name+"/first-put", cold),
		peerTree(name+"/scp -r", n, size, func(ctx context.Context, s *site, from, dir string) (*exec.Cmd, error) {
			return s.scp(ctx, host, from, dir, "-r")
		}),
	}
	if hasRclone() {
		all = append(all, peerTree(name+"/rclone", n, size, func(ctx context.Context, s *site, from, dir string) (*exec.Cmd, error) {
			return s.rclone(ctx, host, from, dir, lanes)
		}))
	}
	return all
}

func peerTree(name string, n int, size int64, do func(ctx context.Context, s *site, from, dir string) (*exec.Cmd, error)) run {
	return run{name, func(ctx context.Context, s *site) (turn, error) {
		t, err := s.content.tree(n, size)
		if err != nil {
			return turn{}, err
		}
		return s.theirs(t.files, func(dir string) (*exec.Cmd, error) { return do(ctx, s, t.dir, dir) })
	}}
}

// memories are what a gateway of its own has resident, whatever it is sent.
func memories(z sizes) scene {
	inOrder := func(u upload) upload { u.chunk, u.lanes = z.chunk, 4; return u }
	return scene{
		crowded("memory/chunks", near, z, crowdChunks),
		crowded("memory/far-chunks", far, z, crowdChunks),
		crowded("memory/far-streams", far, z, crowdStreams),
		crowded("memory/far-sftp", farSFTP, z, crowdStreams),
		oneFile("memory/"+bytesText(z.little), near, z.little, fresh, inOrder),
		oneFile("memory/"+bytesText(z.large), near, z.large, fresh, inOrder),
	}
}

func crowded(name, host string, z sizes, do func(ctx context.Context, c client, file source, dir string, n int) error) run {
	return run{name, func(ctx context.Context, s *site) (turn, error) {
		file, err := s.content.file(z.crowdOne)
		if err != nil {
			return turn{}, err
		}
		return s.ours(ctx, job{name: name, host: host, gateway: fresh, from: []source{file}, to: members(file, z.crowd),
			work: func(ctx context.Context, c client, dir string) (sent, error) {
				return sent{}, do(ctx, c, file, dir, z.crowd)
			}})
	}}
}

// bytesText is a size as people say it.
func bytesText(n int64) string {
	switch {
	case n >= gib && n%gib == 0:
		return fmt.Sprintf("%d GiB", n/gib)
	case n >= mib && n%mib == 0:
		return fmt.Sprintf("%d MiB", n/mib)
	}
	return fmt.Sprintf("%d KiB", n/kib)
}
