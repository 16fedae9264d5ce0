package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"sftpgate/gateway/client"
)

// An upload that was cut off is listed, shown, continued with its file alone, or given up.
func TestUploadsCommands(t *testing.T) {
	t.Parallel()
	y := yardOf(t, "web-1")
	content := pieceOf(6, 16*mib)
	name := y.file("disk.img", content)
	y.begun(name, "web-1:"+y.root+"/").kill()
	ask := func(status int, args ...string) string {
		t.Helper()
		out, errs, got := y.run(nil, args...)
		if got != status {
			t.Errorf("%q: status %d, want %d\n%s%s", args, got, status, out, errs)
		}
		return out + errs
	}
	var u client.Upload
	if err := json.Unmarshal([]byte(ask(exitOK, "uploads", "ls", "--json")), &u); err != nil || u.ID == "" || u.Received != nil {
		t.Fatalf("%v %+v", err, u)
	}
	if said := ask(exitOK, "uploads", "ls"); !strings.Contains(said, u.ID+"  receiving") || !strings.Contains(said, "web-1:"+u.Path) {
		t.Error(said)
	}
	if err := json.Unmarshal([]byte(ask(exitOK, "uploads", "show", "--json", u.ID)), &u); err != nil || len(u.Received) == 0 {
		t.Errorf("%v %+v", err, u)
	}
	if said := ask(exitOK, "uploads", "show", u.ID); !strings.Contains(said, "16.0 MiB") {
		t.Error(said)
	}
	if said := ask(exitFailed, "uploads", "resume", u.ID); !strings.Contains(said, "resume "+u.ID+" FILE") {
		t.Error(said)
	}
	other := y.file("other/disk.img", pieceOf(7, 16*mib))
	ask(exitConflict, "uploads", "resume", u.ID, other)
	if said := ask(exitOK, "uploads", "resume", u.ID, name); !strings.Contains(said, "resuming") {
		t.Error(said)
	}
	y.has("disk.img", content)
	ask(exitOK, "uploads", "resume", u.ID) // it is done already
	ask(exitConflict, "put", other, "web-1:"+y.root+"/")

	y.begun(name, "web-1:"+y.root+"/again").kill()
	for line := range strings.Lines(ask(exitOK, "uploads", "ls", "--json")) {
		if err := json.Unmarshal([]byte(line), &u); err != nil {
			t.Fatal(err)
		}
		break // unfinished ones come first
	}
	ask(exitOK, "uploads", "cancel", u.ID)
	if left, _ := filepath.Glob(filepath.Join(y.root, ".*")); len(left) > 0 {
		t.Errorf("left on the host: %v", left)
	}
	if said := ask(exitFailed, "uploads", "show", "nonesuch"); !strings.Contains(said, "nonesuch") {
		t.Error(said)
	}
	if said := ask(exitOK, "hosts", "ls"); !strings.Contains(said, "web-1  up") || !strings.Contains(said, y.root) {
		t.Error(said)
	}
	var h client.Host
	if err := json.Unmarshal([]byte(ask(exitOK, "hosts", "ls", "--json")), &h); err != nil || h.ID != "web-1" {
		t.Errorf("%v %+v", err, h)
	}
	if said := ask(exitLogin, "hosts", "ls", "--gate", y.locked()); !strings.Contains(said, "SFTPGATE_TICKET") {
		t.Error(said)
	}
}
