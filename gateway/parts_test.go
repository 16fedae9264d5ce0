package gateway_test

import (
	"bytes"
	"fmt"
	"io"
	"testing"
	"testing/synctest"

	"sftpgate/gateway"
	"sftpgate/remote/remotetest"
)

func TestHeldUntilItsPlaceIsKnown(t *testing.T) {
	t.Parallel()
	r := newRig(t, remotetest.SSHDOptions{})
	content := noise(20 * mib)
	up := r.open(alice, "f", int64(len(content))).Upload
	held, err := r.Hold(t.Context(), alice, "web-1", r.root, bytes.NewReader(content[9*mib:]), 64*mib)
	if err != nil || held.Len != 11*mib {
		t.Fatalf("held %+v, %v", held, err)
	}
	if _, err := held.Place(t.Context(), up.ID, 9*mib); err != nil {
		t.Fatal(err)
	}
	// The same again, and other bytes at the same place.
	held, err = r.Hold(t.Context(), alice, "web-1", r.root, bytes.NewReader(content[9*mib:]), 64*mib)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := held.Place(t.Context(), up.ID, 9*mib); err != nil {
		t.Fatal(err)
	}
	held, err = r.Hold(t.Context(), alice, "web-1", r.root, bytes.NewReader(noise(mib)), 64*mib)
	if err != nil {
		t.Fatal(err)
	}
	_, err = held.Place(t.Context(), up.ID, 10*mib)
	wantCode(t, err, gateway.ChunkConflict)
	held.Drop(t.Context())

	_, err = r.Hold(t.Context(), alice, "web-1", r.root, bytes.NewReader(content), mib)
	wantCode(t, err, gateway.TooLarge)
	_, err = r.Hold(t.Context(), alice, "web-1", r.root, io.MultiReader(bytes.NewReader(content), failing{}), 64*mib)
	wantCode(t, err, gateway.InvalidRequest)
	r.send(alice, up.ID, content, 0, 9*mib)
	r.finish(alice, up.ID)
	r.exact("f", content)
}

func TestUnnamedPartsAreAdopted(t *testing.T) {
	t.Parallel()
	for engine, o := range hostsOfEveryKind {
		t.Run(engine, func(t *testing.T) {
			r := newRig(t, o)
			content := noise(7*mib + 3)
			cuts := []int64{0, 2*mib + 1, 2*mib + 1, 6 * mib, int64(len(content))} // one part is empty
			var ids []string
			for i := range len(cuts) - 1 {
				part := content[cuts[i]:cuts[i+1]]
				u, err := r.OpenUnnamed(t.Context(), alice, "web-1", r.root, int64(len(part)))
				if err != nil {
					t.Fatal(err)
				}
				ids = append(ids, u.ID)
				if i == 1 {
					continue
				}
				_, err = r.tryOpen(alice, "f", -1, func(o *gateway.OpenRequest) { o.Adopt = ids })
				wantCode(t, err, gateway.Incomplete)
				half := int64(len(part) / 2)
				r.send(alice, u.ID, part, half, int64(len(part))-half)
				r.send(alice, u.ID, part, 0, half)
				_, err = r.Finish(t.Context(), alice, u.ID, gateway.FinishRequest{Size: -1})
				wantCode(t, err, gateway.InvalidRequest)
			}
			digest := digestOf(content)
			up := r.open(alice, "f", -1, func(o *gateway.OpenRequest) { o.Adopt, o.Digest = ids, &digest }).Upload
			if up.ReceivedBytes != int64(len(content)) || up.Size != int64(len(content)) {
				t.Fatalf("adopted as %+v", up)
			}
			if done := r.finish(alice, up.ID); done.Engine != engine || done.Verified != "sha-256" {
				t.Errorf("done as %+v", done)
			}
			r.exact("f", content)
			for i, id := range ids {
				u, err := r.Get(t.Context(), alice, id)
				if err != nil || i != 1 && (u.State != gateway.Done || u.ReceivedBytes != cuts[i+1]-cuts[i]) {
					t.Errorf("part %s afterwards: %+v, %v", fmt.Sprint(i), u, err)
				}
			}
		})
	}
}

// Chunks of adopted uploads stay where they are until the end: those that are merged are not
// taken for the ones that wait.
func TestManySmallPartsAreAdopted(t *testing.T) {
	t.Parallel()
	st := embedded(t)
	synctest.Test(t, func(t *testing.T) {
		d := emptyDisk(t)
		r := onDisk(t, d, st, remotetest.ServerOptions{})
		defer r.stop()
		var ids []string
		var content []byte
		for i := range 40 {
			part := noise(100 + i%2*(20<<10))
			u, err := r.OpenUnnamed(t.Context(), alice, "web-1", memDir, int64(len(part)))
			if err != nil {
				t.Fatal(err)
			}
			r.send(alice, u.ID, part, 0, int64(len(part)))
			ids, content = append(ids, u.ID), append(content, part...)
		}
		up := r.open(alice, "f", -1, func(o *gateway.OpenRequest) { o.Adopt = ids }).Upload
		if u := r.finish(alice, up.ID); u.State != gateway.Done {
			t.Fatalf("%+v", u)
		}
		if got, err := d.ReadFile(memDir + "/f"); err != nil || !bytes.Equal(got, content) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	})
}
