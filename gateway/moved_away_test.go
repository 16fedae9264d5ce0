package gateway_test

import (
	"errors"
	"os"
	"testing"

	"sftpgate/gateway"
	"sftpgate/remote/remotetest"
)

// A directory that is renamed in mid-upload has taken the upload with it: each way to go
// on with it says so, and once the directory is back it goes on where it stood.
func TestDirectoryRenamedInMidUpload(t *testing.T) {
	r := newRig(t, remotetest.SSHDOptions{})
	if err := os.Mkdir(r.path("d"), 0o755); err != nil {
		t.Fatal(err)
	}
	content := noise(300_000)
	size := int64(len(content))
	id := r.open(alice, "d/f", size).Upload.ID
	r.send(alice, id, content, 0, 100_000)
	if err := os.Rename(r.path("d"), r.path("e")); err != nil {
		t.Fatal(err)
	}
	for range 2 { // what is found out the first time changes nothing
		wantCode(t, r.trySend(alice, id, content, 100_000, 100_000), gateway.NoSuchDirectory)
		wantCode(t, r.trySend(alice, id, content, 0, 100_000), gateway.NoSuchDirectory)
		_, err := r.Open(t.Context(), alice, gateway.OpenRequest{Host: "web-1", Path: r.path("d/f"), Size: size})
		wantCode(t, err, gateway.NoSuchDirectory)
	}
	if err := os.Rename(r.path("e"), r.path("d")); err != nil {
		t.Fatal(err)
	}
	r.send(alice, id, content, 100_000, 200_000)
	r.finish(alice, id)
	r.exact("d/f", content)
}

// Where another directory has its name by then, nothing has ended: what stood there is
// not known any more, from the first request on, and the file can be begun anew.
func TestDirectoryExchangedInMidUpload(t *testing.T) {
	r := newRig(t, remotetest.SSHDOptions{})
	if err := os.Mkdir(r.path("d"), 0o755); err != nil {
		t.Fatal(err)
	}
	content := noise(300_000)
	size := int64(len(content))
	id := r.open(alice, "d/f", size).Upload.ID
	r.send(alice, id, content, 0, 100_000)
	if err := errors.Join(os.Rename(r.path("d"), r.path("e")), os.Mkdir(r.path("d"), 0o755)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if e := wantCode(t, r.trySend(alice, id, content, 100_000, 100_000), gateway.UnknownUpload); !e.Retryable() {
			t.Error(e)
		}
	}
	again := r.open(alice, "d/f", size).Upload.ID
	r.send(alice, again, content, 0, size)
	r.finish(alice, again)
	r.exact("d/f", content)
}
