package gateway_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"

	"sftpgate/gateway"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/sshpool"
)

// What the core has for dialects, whose clients say less than the API's, and later.

// A chunk 0 of unknown length fixes the chunk size once it has come whole; of one
// that is cut nothing is kept.
func TestFirstChunkOfUnknownLength(t *testing.T) {
	t.Parallel()
	r := newRig(t, remotetest.SSHDOptions{})
	content := noise(20 * mib)
	id := r.open(alice, "f", -1).Upload.ID
	part := func(index int64, in io.Reader) (gateway.Upload, error) {
		return r.ReceiveChunk(t.Context(), alice, id, index, gateway.Body{Len: -1, Total: -1, R: in})
	}
	if _, err := part(1, bytes.NewReader(content)); gateway.CodeOf(err) != gateway.InvalidRequest {
		t.Errorf("the place of chunk 1 is not known yet: %v", err)
	}
	cut := io.MultiReader(bytes.NewReader(content[:9<<20]), broken{})
	if _, err := part(0, cut); gateway.CodeOf(err) != gateway.InvalidRequest {
		t.Fatalf("a cut chunk: %v", err)
	}
	if u, err := r.Get(t.Context(), alice, id); err != nil || u.ReceivedBytes != 0 || u.ChunkSize != 0 {
		t.Fatalf("of a cut chunk 0 it keeps %d bytes, the chunk size is %d, %v", u.ReceivedBytes, u.ChunkSize, err)
	}
	const size = 9 << 20 // more than a segment
	if u, err := part(0, bytes.NewReader(content[:size])); err != nil || u.ReceivedBytes != size {
		t.Fatalf("%d bytes, %v", u.ReceivedBytes, err)
	}
	for _, index := range []int64{2, 1, 0} {
		from := index * size
		if _, err := part(index, bytes.NewReader(content[from:min(from+size, int64(len(content)))])); err != nil {
			t.Fatalf("chunk %d: %v", index, err)
		}
	}
	if _, err := r.FinishAndWait(t.Context(), alice, id, gateway.FinishRequest{Size: int64(len(content))}, 0); err != nil {
		t.Fatal(err)
	}
	r.exact("f", content)
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("cut") }

// Nothing of a body counts until its own check agrees.
func TestBodyWithACheckOfItsOwn(t *testing.T) {
	t.Parallel()
	r := newRig(t, remotetest.SSHDOptions{})
	content := noise(10 << 20)
	id := r.open(alice, "f", int64(len(content))).Upload.ID
	wrong := gateway.Refuse(gateway.DigestMismatch, "another sum")
	for _, want := range []error{wrong, nil} {
		b := body(content, 0, int64(len(content)))
		b.Check = func() error { return want }
		_, err := r.Receive(t.Context(), alice, id, b)
		if !errors.Is(err, want) {
			t.Fatalf("%v", err)
		}
		u, err := r.Get(t.Context(), alice, id)
		if err != nil || (u.ReceivedBytes > 0) != (want == nil) {
			t.Errorf("after %v it has %d bytes, %v", want, u.ReceivedBytes, err)
		}
	}
	r.finish(alice, id)
	r.exact("f", content)
}

func TestSizeIsDeclaredLater(t *testing.T) {
	t.Parallel()
	r := newRig(t, remotetest.SSHDOptions{})
	content := noise(100)
	id := r.open(alice, "f", -1).Upload.ID
	r.send(alice, id, content, 0, 60)
	for size, code := range map[int64]gateway.Code{-1: gateway.InvalidRequest, 59: gateway.InvalidRequest, 1<<60 + 1: gateway.TooLarge} {
		if _, err := r.DeclareSize(t.Context(), alice, id, size); gateway.CodeOf(err) != code {
			t.Errorf("%d: %v", size, err)
		}
	}
	if _, err := r.DeclareSize(t.Context(), bob, id, 100); gateway.CodeOf(err) != gateway.Forbidden {
		t.Errorf("another user: %v", err)
	}
	for range 2 {
		if u, err := r.DeclareSize(t.Context(), alice, id, 100); err != nil || u.Size != 100 {
			t.Fatalf("%d, %v", u.Size, err)
		}
	}
	if _, err := r.DeclareSize(t.Context(), alice, id, 101); gateway.CodeOf(err) != gateway.InvalidRequest {
		t.Errorf("another size: %v", err)
	}
	if err := r.trySend(alice, id, append(content, 1), 60, 41); gateway.CodeOf(err) != gateway.TooLarge {
		t.Errorf("more than was declared: %v", err)
	}
	r.send(alice, id, content, 60, 40)
	r.finish(alice, id)
	r.exact("f", content)
	if u, err := r.DeclareSize(t.Context(), alice, id, 100); err != nil || u.State != gateway.Done {
		t.Errorf("after the end: %+v, %v", u, err)
	}
}

// What the registry has lost is found by its place on the host.
func TestFoundByItsPath(t *testing.T) {
	t.Parallel()
	r := newRig(t, remotetest.SSHDOptions{})
	content := noise(100)
	open := func(o *gateway.OpenRequest) { o.ClientID = "uuid-1" }
	id := r.open(alice, "f", 100, open).Upload.ID
	r.send(alice, id, content, 0, 60)
	part, err := r.OpenUnnamed(t.Context(), alice, "web-1", r.root, 10)
	if err != nil {
		t.Fatal(err)
	}
	r.Service = gatewayOn(t, embedded(t), sshpool.Options{}, r.sshd.Host("web-1"))
	if _, err := r.Find(t.Context(), alice, "web-1", r.root, "uuid-1"); gateway.CodeOf(err) != gateway.UnknownUpload {
		t.Errorf("an empty registry knows it: %v", err)
	}
	for at, want := range map[string]string{"f": id, part.ID: part.ID} {
		if u, err := r.FindAt(t.Context(), alice, "web-1", r.path(at)); err != nil || u.ID != want {
			t.Errorf("%s: %s, %v", at, u.ID, err)
		}
	}
	if u, err := r.Find(t.Context(), alice, "web-1", r.root, "uuid-1"); err != nil || u.ID != id || u.ClientID != "uuid-1" || u.ReceivedBytes != 60 {
		t.Errorf("by its id again: %+v, %v", u, err)
	}
	for _, at := range []string{"f", "g"} {
		if _, err := r.FindAt(t.Context(), bob, "web-1", r.path(at)); gateway.CodeOf(err) != gateway.UnknownUpload {
			t.Errorf("bob at %s: %v", at, err)
		}
	}
	r.send(alice, id, content, 60, 40)
	r.finish(alice, id)
	if _, err := r.FindAt(t.Context(), alice, "web-1", r.path("f")); gateway.CodeOf(err) != gateway.UnknownUpload {
		t.Errorf("after the end: %v", err)
	}
}

// The wait for the publication has an end, and can be joined again.
func TestFinishIsWaitedForSoLong(t *testing.T) {
	t.Parallel()
	r := newRig(t, remotetest.SSHDOptions{})
	content := noise(3 << 20)
	id := r.open(alice, "f", int64(len(content))).Upload.ID
	r.send(alice, id, content, 0, 2<<20)
	r.send(alice, id, content, 2<<20, 1<<20)
	if r.sshd.StopSFTP() == 0 {
		t.Fatal("no SFTP server to freeze")
	}
	_, err := r.FinishAndWait(t.Context(), alice, id, gateway.FinishRequest{Size: -1}, 1)
	if code := gateway.CodeOf(err); code != gateway.StillFinishing && code != gateway.HostTimeout {
		t.Errorf("%v", err)
	}
	r.sshd.ContSFTP()
	if u, err := r.FinishAndWait(t.Context(), alice, id, gateway.FinishRequest{Size: -1}, 0); err != nil || u.State != gateway.Done {
		t.Fatalf("%+v, %v", u, err)
	}
	r.exact("f", content)
}

// A chunk whose index comes after its bytes.
func TestHeldChunkIsPlacedByItsIndex(t *testing.T) {
	t.Parallel()
	r := newRig(t, remotetest.SSHDOptions{})
	content := noise(25)
	id := r.open(alice, "f", -1).Upload.ID
	place := func(index, from, to int64) error {
		held, err := r.Hold(t.Context(), alice, "web-1", r.root, bytes.NewReader(content[from:to]), 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		defer held.Drop(t.Context())
		_, err = held.PlaceChunk(t.Context(), id, index)
		return err
	}
	if err := place(1, 10, 20); gateway.CodeOf(err) != gateway.InvalidRequest {
		t.Errorf("the place of chunk 1 is not known yet: %v", err)
	}
	for _, c := range [][3]int64{{0, 0, 10}, {2, 20, 25}, {1, 10, 20}, {0, 0, 10}} {
		if err := place(c[0], c[1], c[2]); err != nil {
			t.Fatalf("chunk %d: %v", c[0], err)
		}
	}
	if err := place(0, 1, 11); gateway.CodeOf(err) != gateway.ChunkConflict {
		t.Errorf("other bytes: %v", err)
	}
	if _, err := r.FinishAndWait(t.Context(), alice, id, gateway.FinishRequest{Size: 25}, 0); err != nil {
		t.Fatal(err)
	}
	r.exact("f", content)
}

// A chunk that is sent again, its bytes before its place, when the file is there.
func TestHeldChunkIsRepeatedAfterTheEnd(t *testing.T) {
	t.Parallel()
	r := newRig(t, remotetest.SSHDOptions{})
	content := noise(10 * mib)
	id := r.open(alice, "f", 10*mib).Upload.ID
	r.send(alice, id, content, 0, 10*mib)
	if _, err := r.FinishAndWait(t.Context(), alice, id, gateway.FinishRequest{Size: -1}, 0); err != nil {
		t.Fatal(err)
	}
	place := func(b []byte, off int64) error {
		held, err := r.Hold(t.Context(), alice, "web-1", r.root, bytes.NewReader(b), 1<<30)
		if err != nil {
			t.Fatal(err)
		}
		defer held.Drop(t.Context())
		_, err = held.Place(t.Context(), id, off)
		return err
	}
	for _, span := range [][2]int64{{0, 10 * mib}, {3, 9 * mib}, {10 * mib, 10 * mib}} {
		if err := place(content[span[0]:span[1]], span[0]); err != nil {
			t.Errorf("%v: %v", span, err)
		}
	}
	other := bytes.Clone(content)
	other[9*mib]++
	for name, err := range map[string]error{"other bytes": place(other, 0), "another place": place(content[:10], 1)} {
		if gateway.CodeOf(err) != gateway.ChunkConflict {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := place(content[:10], 10*mib); gateway.CodeOf(err) != gateway.InvalidRequest {
		t.Errorf("behind the end: %v", err)
	}
}

// What is held and turns out to be another file is placed in another upload.
func TestHeldChunkOfAnotherFile(t *testing.T) {
	t.Parallel()
	r := newRig(t, remotetest.SSHDOptions{})
	old, content := noise(20*mib), noise(20*mib)
	content[19*mib]++ // only the last of its pieces differs
	open := func(o *gateway.OpenRequest) { o.Fingerprint = "f" }
	id := r.open(alice, "f", 20*mib, open).Upload.ID
	r.send(alice, id, old, 0, 20*mib)
	held, err := r.Hold(t.Context(), alice, "web-1", r.root, bytes.NewReader(content), 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	defer held.Drop(t.Context())
	if _, err := held.Place(t.Context(), id, 0); gateway.CodeOf(err) != gateway.ChunkConflict {
		t.Fatalf("%v", err)
	}
	opened, err := r.Open(t.Context(), alice, gateway.OpenRequest{Host: "web-1", Path: r.path("f"), Size: 20 * mib, Fingerprint: "f", Anew: true})
	if err != nil || opened.Resumed || opened.Upload.ReceivedBytes != 0 {
		t.Fatalf("%+v, %v", opened, err)
	}
	if u, err := held.Place(t.Context(), opened.Upload.ID, 0); err != nil || u.ReceivedBytes != 20*mib {
		t.Fatalf("%+v, %v", u, err)
	}
	if u, err := r.Get(t.Context(), alice, id); err != nil || u.State != gateway.Cancelled {
		t.Errorf("what was given up: %+v, %v", u, err)
	}
	r.finish(alice, opened.Upload.ID)
	r.exact("f", content)
}

func TestDigestIsDeclaredLater(t *testing.T) {
	t.Parallel()
	r := newRig(t, remotetest.SSHDOptions{})
	content := noise(100)
	id := r.open(alice, "f", 100).Upload.ID
	r.send(alice, id, content, 0, 60)
	wrong := gateway.Digest{1}
	for range 2 {
		if u, err := r.DeclareDigest(t.Context(), alice, id, wrong); err != nil || u.Digest == nil || *u.Digest != wrong {
			t.Fatalf("%+v, %v", u, err)
		}
	}
	if _, err := r.DeclareDigest(t.Context(), alice, id, gateway.Digest{2}); gateway.CodeOf(err) != gateway.InvalidRequest {
		t.Errorf("another digest: %v", err)
	}
	if _, err := r.DeclareDigest(t.Context(), bob, id, wrong); gateway.CodeOf(err) != gateway.Forbidden {
		t.Errorf("another user: %v", err)
	}
	r.send(alice, id, content, 60, 40)
	if _, err := r.FinishAndWait(t.Context(), alice, id, gateway.FinishRequest{Size: -1}, 0); gateway.CodeOf(err) != gateway.DigestMismatch {
		t.Errorf("the file has another digest: %v", err)
	}
}

// Two gateways take the chunks of one file. Whichever takes the last one knows it, also
// where the registry is emptied in between; and one that takes all of them asks the host
// for nothing.
func TestWhoeverTakesTheLastChunkFinishes(t *testing.T) {
	t.Parallel()
	st, server := redis(t)
	sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	gates := []*gateway.Service{}
	for range 2 {
		gates = append(gates, gatewayWith(t, st, sshpool.Options{}, gateway.Config{Shared: true}, sshd.Host("web-1")))
	}
	content := noise(40)
	for order := range 16 { // which gateway takes which of four chunks
		r := &rig{gates[0], t, sshd, sshd.Root}
		name := fmt.Sprint("file ", order)
		id := r.open(alice, name, 40, func(o *gateway.OpenRequest) { o.ClientID = name }).Upload.ID
		for i := range 4 {
			r.Service = gates[order>>i&1]
			if order%5 == 0 && i == 2 {
				server.Flush()
			}
			if _, err := r.Find(t.Context(), alice, "web-1", r.root, name); gateway.CodeOf(err) == gateway.UnknownUpload {
				_, err = r.FindAt(t.Context(), alice, "web-1", r.path(name))
				if err != nil {
					t.Fatal(err)
				}
			}
			r.send(alice, id, content, int64(10*i), 10)
			u, err := r.FinishIfComplete(t.Context(), alice, id, 0)
			if err != nil || (u.State == gateway.Done) != (i == 3) {
				t.Fatalf("order %04b, chunk %d: %s, %v", order, i, u.State, err)
			}
		}
		r.exact(name, content)
	}
}

func TestChunkSizeIsDeclaredLater(t *testing.T) {
	t.Parallel()
	r := newRig(t, remotetest.SSHDOptions{})
	content := noise(25)
	id := r.open(alice, "f", -1).Upload.ID
	for size, code := range map[int64]gateway.Code{0: gateway.InvalidRequest, 1<<40 + 1: gateway.InvalidRequest} {
		if _, err := r.DeclareChunkSize(t.Context(), alice, id, size); gateway.CodeOf(err) != code {
			t.Errorf("%d: %v", size, err)
		}
	}
	if _, err := r.DeclareChunkSize(t.Context(), bob, id, 10); gateway.CodeOf(err) != gateway.Forbidden {
		t.Errorf("another user: %v", err)
	}
	for range 2 {
		if u, err := r.DeclareChunkSize(t.Context(), alice, id, 10); err != nil || u.ChunkSize != 10 {
			t.Fatalf("%+v, %v", u, err)
		}
	}
	if _, err := r.DeclareChunkSize(t.Context(), alice, id, 11); gateway.CodeOf(err) != gateway.InvalidRequest {
		t.Errorf("another size: %v", err)
	}
	for _, index := range []int64{2, 0, 1} {
		b := gateway.Body{Len: -1, Total: -1, R: bytes.NewReader(content[index*10 : min(index*10+10, 25)])}
		if _, err := r.ReceiveChunk(t.Context(), alice, id, index, b); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.FinishAndWait(t.Context(), alice, id, gateway.FinishRequest{Size: 25}, 0); err != nil {
		t.Fatal(err)
	}
	r.exact("f", content)
	if u, err := r.DeclareChunkSize(t.Context(), alice, id, 10); err != nil || u.State != gateway.Done {
		t.Errorf("after the end: %+v, %v", u, err)
	}
}
