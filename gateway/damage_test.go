package gateway_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"sftpgate/gateway"
	"sftpgate/remote/record"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/remotetest/await"
)

// chunkOf is the file of the chunk that begins at off.
func chunkOf(t testing.TB, gen string, off int64) string {
	t.Helper()
	found, _ := filepath.Glob(filepath.Join(gen, "chunks", fmt.Sprint(off)+"-*"))
	if len(found) != 1 {
		t.Fatalf("the chunk at %d: %v", off, found)
	}
	return found[0]
}

// mended sends what is asked for again until the file is published, and returns
// all that was asked for.
func (r *rig) mended(name, id string, content []byte, err error) (asked record.Spans) {
	r.t.Helper()
	for range 6 {
		e := wantCode(r.t, err, gateway.Incomplete)
		r.absent(name)
		for _, m := range e.Missing {
			asked = asked.With(record.Span{Off: m[0], Len: m[1] - m[0]})
			r.send(alice, id, content, m[0], m[1]-m[0])
		}
		if _, err = r.tryFinish(alice, id, gateway.FinishRequest{Size: -1}); err == nil {
			r.exact(name, content)
			return asked
		}
	}
	r.t.Fatalf("it does not come to its end: %v", err)
	return nil
}

func wantPieces(t testing.TB, asked record.Spans, pieces ...int64) {
	t.Helper()
	var want record.Spans
	for _, i := range pieces {
		want = want.With(record.Span{Off: i * piece, Len: piece})
	}
	if fmt.Sprint(asked) != fmt.Sprint(want) {
		t.Errorf("asked for again was %v, want %v", asked, want)
	}
}

// Chunks and part are cut, removed and, where a digest was declared, changed on
// the host before, while and after they are merged: that is noticed, nothing of
// it is published, and just the damaged pieces are asked for again.
func TestDamageBeforeDuringAndAfterTheMerge(t *testing.T) {
	t.Parallel()
	check := func(t testing.TB, errs ...error) {
		t.Helper()
		for _, err := range errs {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, k := range shellAnd(kind{"stream", "near"}) {
		t.Run(k.String(), func(t *testing.T) {
			t.Parallel()
			st, sshd := embedded(t), remotetest.StartSSHD(t, hostsOfEveryKind[k.engine])
			r := &rig{gatewayOn(t, st, away(k.distance, patient), sshd.Host("web-1")), t, sshd, sshd.Root}
			content := noise(12 * piece)
			withDigest := func(o *gateway.OpenRequest) { d := digestOf(content); o.Digest = &d }
			finish := func(id string) error {
				_, err := r.tryFinish(alice, id, gateway.FinishRequest{Size: -1})
				return err
			}
			for _, declared := range []bool{true, false} {
				edit, bad := withDigest, []int64{3, 5, 7}
				if !declared { // then a changed byte is not seen: docs/guarantees.md says so
					edit, bad = func(*gateway.OpenRequest) {}, []int64{3, 7}
				}
				name := fmt.Sprint("before, digest ", declared)
				up, release := r.stand(st, name, content, edit)
				gen, _, _ := r.generation(name)
				check(t, os.Truncate(chunkOf(t, gen, 3*piece), piece/2), os.Remove(chunkOf(t, gen, 7*piece)))
				if declared {
					flip(t, chunkOf(t, gen, 5*piece), 1000, 1)
				}
				release()
				wantPieces(t, r.mended(name, up.ID, content, finish(up.ID)), bad...)

				name = fmt.Sprint("after, digest ", declared)
				up = r.open(alice, name, 12*piece, edit).Upload
				for i := range int64(12) {
					r.send(alice, up.ID, content, i*piece, piece)
				}
				waitMerged(t, r, up.ID, 12*piece)
				gen, state, _ := r.generation(name)
				part := filepath.Join(gen, "part."+strconv.Itoa(state.Epoch))
				bad = []int64{10, 11}
				if declared {
					flip(t, part, 2*piece+5, 1)
					bad = []int64{2, 10, 11}
				}
				check(t, os.Truncate(part, 10*piece+1))
				wantPieces(t, r.mended(name, up.ID, content, finish(up.ID)), bad...)
			}

			content = noise(120 * piece)
			name, up, thaw := r.midway(st, content, withDigest)
			gen, state, _ := r.generation(name)
			part := filepath.Join(gen, "part."+strconv.Itoa(state.Epoch))
			flip(t, part, 10, 1)
			flip(t, part, piece+10, 1)
			if left, _ := filepath.Glob(filepath.Join(gen, "chunks", "0-*")); len(left) > 0 { // it stays until the end, when that is near
				flip(t, left[0], 10, 1)
			}
			check(t, os.Truncate(chunkOf(t, gen, 118*piece), 10))
			flip(t, chunkOf(t, gen, 119*piece), 10, 1)
			thaw()
			_, err := r.Wait(await.Context(t), alice, up.ID)
			// Where its chunk is still there the second piece is merged once more.
			asked := r.mended(name, up.ID, content, err).Without(record.Spans{{Off: piece, Len: piece}})
			wantPieces(t, asked, 0, 118, 119)
		})
	}
}
