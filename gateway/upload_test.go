package gateway_test

import (
	"math/rand/v2"
	"os"
	"sync"
	"testing"

	"sftpgate/gateway"
	"sftpgate/remote/remotetest"
)

const mib = 1 << 20

// hostsOfEveryKind are the accounts that force each engine.
var hostsOfEveryKind = map[string]remotetest.SSHDOptions{
	"shell":     {},
	"copy-data": {ForceCommand: "internal-sftp"},
	"stream":    {ForceCommand: "internal-sftp -P copy-data"},
}

// disksOfEveryKind are the same for a disk in memory.
var disksOfEveryKind = map[string]remotetest.ServerOptions{"shell": {Shell: true}, "copy-data": {}, "stream": {}}

func TestChunksInRandomOrder(t *testing.T) {
	t.Parallel()
	for engine, o := range hostsOfEveryKind {
		t.Run(engine, func(t *testing.T) {
			r := newRig(t, o)
			content := noise(9*mib + 12345)
			up := r.open(alice, "app.iso", int64(len(content)), func(o *gateway.OpenRequest) { o.ChunkSize = mib }).Upload
			var wg sync.WaitGroup
			slots := make(chan struct{}, 4)
			for _, i := range rand.Perm(10) {
				slots <- struct{}{}
				wg.Go(func() {
					defer func() { <-slots }()
					off := int64(i) * mib
					n := min(mib, int64(len(content))-off)
					b := body(content, off, n)
					if _, err := r.ReceiveChunk(t.Context(), alice, up.ID, int64(i), b); err != nil {
						t.Errorf("chunk %d: %v", i, err)
					}
				})
			}
			wg.Wait()
			r.absent("app.iso")
			done := r.finish(alice, up.ID)
			if done.Engine != engine || done.Verified != "spans" || done.MergedBytes != int64(len(content)) {
				t.Errorf("done as %+v", done)
			}
			r.exact("app.iso", content)
			info, err := os.Stat(r.path("app.iso"))
			if err != nil || info.Mode().Perm() != 0o644 {
				t.Errorf("mode is %v, %v", info.Mode(), err)
			}
		})
	}
}

func TestOneChunkIsPublishedByItsName(t *testing.T) {
	t.Parallel()
	r := newRig(t, remotetest.SSHDOptions{})
	content := noise(3 * mib)
	up := r.open(alice, "small.bin", int64(len(content))).Upload
	r.send(alice, up.ID, content, 0, int64(len(content)))
	if done := r.finish(alice, up.ID); done.Engine != "" {
		t.Errorf("an engine was at work for one chunk: %+v", done)
	}
	r.exact("small.bin", content)
}

func TestEmptyFile(t *testing.T) {
	t.Parallel()
	r := newRig(t, remotetest.SSHDOptions{})
	up := r.open(alice, "empty", 0).Upload
	r.finish(alice, up.ID)
	r.exact("empty", nil)
}

func TestSizeDeclaredAtTheFinish(t *testing.T) {
	t.Parallel()
	r := newRig(t, remotetest.SSHDOptions{})
	content := noise(5*mib + 1)
	up := r.open(alice, "stream", -1).Upload
	r.send(alice, up.ID, content, 2*mib, 3*mib+1)
	_, err := r.tryFinish(alice, up.ID, gateway.FinishRequest{Size: -1})
	wantCode(t, err, gateway.InvalidRequest)
	_, err = r.tryFinish(alice, up.ID, gateway.FinishRequest{Size: int64(len(content))})
	if e := wantCode(t, err, gateway.Incomplete); len(e.Missing) != 1 || e.Missing[0] != [2]int64{0, 2 * mib} {
		t.Errorf("missing %v", e.Missing)
	}
	r.send(alice, up.ID, content, 0, 2*mib)
	if _, err := r.tryFinish(alice, up.ID, gateway.FinishRequest{Size: int64(len(content))}); err != nil {
		t.Fatal(err)
	}
	r.exact("stream", content)
}

func TestRepeatedAndConflictingBytes(t *testing.T) {
	t.Parallel()
	r := newRig(t, remotetest.SSHDOptions{})
	content := noise(4 * mib)
	up := r.open(alice, "f", int64(len(content))).Upload
	r.send(alice, up.ID, content, mib, mib)
	r.send(alice, up.ID, content, mib, mib)        // the same again
	r.send(alice, up.ID, content, mib+1000, mib/2) // inside
	r.send(alice, up.ID, content, mib/2, 2*mib)    // around
	other := append([]byte(nil), content...)
	other[mib+5] ^= 1
	wantCode(t, r.trySend(alice, up.ID, other, mib, mib), gateway.ChunkConflict)
	wantCode(t, r.trySend(alice, up.ID, other, mib+1, 100), gateway.ChunkConflict)
	r.send(alice, up.ID, content, 0, int64(len(content)))
	r.finish(alice, up.ID)
	r.exact("f", content)
	// The last answer was lost: the same bytes are fine, others are not.
	r.send(alice, up.ID, content, 3*mib, mib)
	wantCode(t, r.trySend(alice, up.ID, other, mib, mib), gateway.ChunkConflict)
	if u := r.finish(alice, up.ID); u.ID != up.ID {
		t.Errorf("finish after the end gave %+v", u)
	}
}

func TestDeclaredDigest(t *testing.T) {
	t.Parallel()
	for engine, o := range hostsOfEveryKind {
		t.Run(engine, func(t *testing.T) {
			r := newRig(t, o)
			content := noise(3 * mib)
			right := digestOf(content)
			up := r.open(alice, "good", int64(len(content)), func(o *gateway.OpenRequest) { o.Digest = &right }).Upload
			r.send(alice, up.ID, content, 0, mib)
			r.send(alice, up.ID, content, mib, 2*mib)
			if done := r.finish(alice, up.ID); done.Verified != "sha-256" {
				t.Errorf("verified by %q", done.Verified)
			}
			r.exact("good", content)

			wrong := digestOf([]byte("something else"))
			up = r.open(alice, "bad", int64(len(content)), func(o *gateway.OpenRequest) { o.Digest = &wrong }).Upload
			r.send(alice, up.ID, content, 0, mib)
			r.send(alice, up.ID, content, mib, 2*mib)
			_, err := r.tryFinish(alice, up.ID, gateway.FinishRequest{Size: -1})
			wantCode(t, err, gateway.DigestMismatch)
			r.absent("bad")
		})
	}
}
