package gateway_test

import (
	"bytes"
	"io"
	"testing"

	"sftpgate/gateway"
	"sftpgate/remote/remotetest"
)

// A file that only begins as the published one, or that the published one only begins
// as, is no repetition of it: its sender must not hear that it is there.
func TestNoRepetitionOfWhatBeginsAlike(t *testing.T) {
	t.Parallel()
	r := newRig(t, remotetest.SSHDOptions{})
	content := noise(100)
	id := r.open(alice, "f", -1).Upload.ID
	chunk := func(index int64, in io.Reader) error {
		_, err := r.ReceiveChunk(t.Context(), alice, id, index, gateway.Body{Len: -1, Total: -1, R: in, Check: func() error { return nil }})
		return err
	}
	both := map[int64][]byte{0: content[:60], 1: content[60:]}
	for _, index := range []int64{0, 1} {
		if err := chunk(index, bytes.NewReader(both[index])); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.FinishAndWait(t.Context(), alice, id, gateway.FinishRequest{Size: 100}, 0); err != nil {
		t.Fatal(err)
	}
	for index, b := range both {
		if err := chunk(index, bytes.NewReader(b)); err != nil {
			t.Errorf("chunk %d again: %v", index, err)
		}
		for _, other := range [][]byte{append(bytes.Clone(b), 7), b[:20], nil} {
			wantCode(t, chunk(index, bytes.NewReader(other)), gateway.ChunkConflict)
		}
		wantCode(t, chunk(index, io.MultiReader(bytes.NewReader(b[:20]), broken{})), gateway.InvalidRequest)
		wantCode(t, chunk(index, io.MultiReader(bytes.NewReader(b), broken{})), gateway.InvalidRequest)
	}
	r.exact("f", content)
}

// A file without a length or a digest cannot be told from the one that was cut off
// before it. It must not be refused for that one's bytes, again and again.
func TestPutOfAnotherFileAfterACut(t *testing.T) {
	t.Parallel()
	r := newRig(t, remotetest.SSHDOptions{})
	put := func(in io.Reader) error {
		_, err := r.PutFile(t.Context(), alice, gateway.PutRequest{Host: "web-1", Path: r.path("f"), Size: -1, Restart: true, R: in})
		return err
	}
	content := noise(10 * mib)
	wantCode(t, put(io.MultiReader(bytes.NewReader(content[:9*mib]), broken{})), gateway.InvalidRequest)
	other := bytes.Clone(content)
	other[5]++
	if err := put(bytes.NewReader(other)); err != nil {
		t.Fatal(err)
	}
	r.exact("f", other)
	r.clean(".")
}
