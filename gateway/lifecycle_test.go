package gateway_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sftpgate/gateway"
	"sftpgate/gateway/access"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/remotetest/await"
	"sftpgate/remote/sshpool"
)

func replace(o *gateway.OpenRequest) { o.IfExists = gateway.ReplaceIfExists }
func restart(o *gateway.OpenRequest) { o.Restart = true }

func TestResume(t *testing.T) {
	t.Parallel()
	r := newRig(t, remotetest.SSHDOptions{})
	content := noise(6 * mib)
	first := r.open(alice, "f", int64(len(content)))
	if first.Resumed {
		t.Error("a new upload is said to be resumed")
	}
	r.send(alice, first.Upload.ID, content, 2*mib, 2*mib)

	again := r.open(alice, "f", int64(len(content)))
	if !again.Resumed || again.Upload.ID != first.Upload.ID {
		t.Fatalf("opened again: %+v", again)
	}
	if got := again.Upload.Received; len(got) != 1 || got[0] != [2]int64{2 * mib, 4 * mib} {
		t.Errorf("received %v", got)
	}
	_, err := r.tryOpen(bob, "f", int64(len(content)))
	wantCode(t, err, gateway.OwnedByAnother)
	e := wantCode(t, r.trySend(bob, first.Upload.ID, content, 0, mib), gateway.Forbidden)
	if bytes.Contains([]byte(e.Detail), []byte("alice")) {
		t.Errorf("the refusal names the other user: %s", e.Detail)
	}
	// An administrator hears which one it is: he may end it.
	for who, known := range map[*access.Caller]bool{&bob: false, &admin: true} {
		_, operr := r.tryOpen(*who, "f", 3)
		_, puterr := r.PutFile(t.Context(), *who, gateway.PutRequest{Host: "web-1", Path: r.path("f"), Size: 3, R: strings.NewReader("abc")})
		for call, err := range map[string]error{"open": operr, "put": puterr} {
			if e := wantCode(t, err, gateway.OwnedByAnother); (e.Upload != nil) != known || known && e.Upload.User != "alice" {
				t.Errorf("%s tells %s of %+v", call, who.User, e.Upload)
			}
		}
	}

	// Another file of the same user: keep or restart.
	_, err = r.tryOpen(alice, "f", 3*mib)
	if e := wantCode(t, err, gateway.DifferentFile); e.Upload == nil || e.Upload.ID != first.Upload.ID {
		t.Errorf("the standing upload is not named: %+v", e.Upload)
	}
	second := r.open(alice, "f", 3*mib, restart)
	if second.Resumed || second.Upload.ID == first.Upload.ID || len(second.Upload.Received) != 0 {
		t.Fatalf("restarted as %+v", second)
	}
	wantCode(t, r.trySend(alice, first.Upload.ID, content, 0, mib), gateway.DifferentFile)
	r.send(alice, second.Upload.ID, content, 0, 3*mib)
	r.finish(alice, second.Upload.ID)
	r.exact("f", content[:3*mib])
}

func TestExistingTarget(t *testing.T) {
	t.Parallel()
	r := newRig(t, remotetest.SSHDOptions{})
	old := []byte("the old file")
	if err := os.WriteFile(r.path("f"), old, 0o640); err != nil {
		t.Fatal(err)
	}
	content := noise(mib)
	_, err := r.tryOpen(alice, "f", mib)
	e := wantCode(t, err, gateway.TargetExists)
	if e.Existing == nil || e.Existing.Size != int64(len(old)) || e.Existing.MTime.IsZero() {
		t.Fatalf("existing is %+v", e.Existing)
	}
	_, err = r.tryOpen(alice, "f", mib, replace, func(o *gateway.OpenRequest) { o.IfMatch = `"0-0"` })
	wantCode(t, err, gateway.ChangedMeanwhile)

	up := r.open(alice, "f", mib, replace, func(o *gateway.OpenRequest) { o.IfMatch = e.Existing.ETag }).Upload
	r.send(alice, up.ID, content, 0, mib)
	if got, _ := os.ReadFile(r.path("f")); !bytes.Equal(got, old) {
		t.Fatal("the old file changed before the publication")
	}
	if err := os.WriteFile(r.path("f"), []byte("somebody was faster"), 0o640); err != nil {
		t.Fatal(err)
	}
	_, err = r.tryFinish(alice, up.ID, gateway.FinishRequest{Size: -1})
	wantCode(t, err, gateway.ChangedMeanwhile)
	if err := os.WriteFile(r.path("f"), old, 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(r.path("f"), e.Existing.MTime, e.Existing.MTime); err != nil {
		t.Fatal(err)
	}
	r.finish(alice, up.ID)
	r.exact("f", content)
	if info, _ := os.Stat(r.path("f")); info.Mode().Perm() != 0o640 {
		t.Errorf("the replaced file's mode was not kept: %v", info.Mode())
	}
}

func TestStrangerAppearsBeforePublication(t *testing.T) {
	t.Parallel()
	r := newRig(t, remotetest.SSHDOptions{})
	content := noise(9 * mib)
	up := r.open(alice, "f", int64(len(content))).Upload
	r.send(alice, up.ID, content, 0, int64(len(content)))
	if err := os.WriteFile(r.path("f"), []byte("stranger"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := r.tryFinish(alice, up.ID, gateway.FinishRequest{Size: -1})
	wantCode(t, err, gateway.TargetExists)
	if got, _ := os.ReadFile(r.path("f")); string(got) != "stranger" {
		t.Fatal("the stranger's file was changed")
	}
	// Nothing has to be sent again to have it replaced after all.
	again := r.open(alice, "f", int64(len(content)), replace)
	if !again.Resumed || again.Upload.ReceivedBytes != int64(len(content)) {
		t.Fatalf("opened again: %+v", again)
	}
	r.finish(alice, up.ID)
	r.exact("f", content)
}

func TestDefaultsOfTheHost(t *testing.T) {
	t.Parallel()
	sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	h, missing := sshd.Host("web-1"), sshd.Host("web-2")
	mode := os.FileMode(0o600)
	h.Mode, missing.Roots = &mode, []string{"/no/such/root"}
	r := &rig{gatewayOn(t, embedded(t), sshpool.Options{}, h, missing), t, sshd, sshd.Root}
	if err := os.WriteFile(r.path("old"), []byte("old"), 0o664); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(r.path("old"), 0o664); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]os.FileMode{"new": 0o600, "old": 0o664} {
		up := r.open(alice, name, 3, replace).Upload
		r.send(alice, up.ID, []byte("abc"), 0, 3)
		r.finish(alice, up.ID)
		if info, err := os.Stat(r.path(name)); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, want %v", name, info.Mode(), want)
		}
	}
	_, err := r.Open(t.Context(), alice, gateway.OpenRequest{Host: "web-2", Path: "/no/such/root/f", Size: 1})
	if e := wantCode(t, err, gateway.HostError); !strings.Contains(e.Detail, "/no/such/root") {
		t.Errorf("the refusal does not name the root: %s", e.Detail)
	}
	_, err = r.Open(t.Context(), alice, gateway.OpenRequest{Host: "web-1", Path: sshd.Root, Size: 1})
	wantCode(t, err, gateway.NotAFile)
}

func TestCancelAndTakeover(t *testing.T) {
	t.Parallel()
	r := newRig(t, remotetest.SSHDOptions{})
	content := noise(2 * mib)
	up := r.open(alice, "f", 2*mib).Upload
	r.send(alice, up.ID, content, 0, mib)
	wantCode(t, r.Cancel(t.Context(), bob, up.ID), gateway.Forbidden)
	for range 2 { // the answer may be lost
		if err := r.Cancel(t.Context(), alice, up.ID); err != nil {
			t.Fatal(err)
		}
	}
	r.clean(".")
	wantCode(t, r.trySend(alice, up.ID, content, 0, mib), gateway.DifferentFile)

	up = r.open(bob, "f", 2*mib).Upload
	wantCode(t, r.Takeover(t.Context(), alice, up.ID), gateway.Forbidden)
	if err := r.Takeover(t.Context(), admin, up.ID); err != nil {
		t.Fatal(err)
	}
	up = r.open(alice, "f", 2*mib).Upload
	r.send(alice, up.ID, content, 0, 2*mib)
	r.finish(alice, up.ID)
	wantCode(t, r.Cancel(t.Context(), alice, up.ID), gateway.DifferentFile)
	r.exact("f", content)
}

// An administrator sees what everybody has begun, and of what has ended his own alone.
func TestListAll(t *testing.T) {
	t.Parallel()
	r := newRig(t, remotetest.SSHDOptions{})
	r.open(alice, "a", 5)
	r.open(bob, "b", 5)
	r.open(admin, "c", 5)
	for _, who := range []access.Caller{bob, admin} {
		up := r.open(who, "done-"+who.User, 5).Upload
		r.send(who, up.ID, []byte("hello"), 0, 5)
		r.finish(who, up.ID)
	}
	list, err := r.ListAll(t.Context(), admin)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, u := range list {
		names = append(names, path.Base(u.Path))
	}
	if want := []string{"c", "b", "a", "done-" + admin.User}; !slices.Equal(names, want) {
		t.Errorf("%q, want %q", names, want)
	}
	wantCode(t, second(r.ListAll(t.Context(), alice)), gateway.Forbidden)
	scoped := admin
	scoped.Scope = &access.Scope{Hosts: []string{"another"}, Operations: []access.Operation{access.OpRead, access.OpTakeOver}}
	if list, err := r.ListAll(t.Context(), scoped); err != nil || len(list) != 0 {
		t.Errorf("with a ticket for another host: %v, %v", list, err)
	}
}

func TestRegistryFlushed(t *testing.T) {
	t.Parallel()
	st, server := redis(t)
	sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	r := &rig{gatewayOn(t, st, sshpool.Options{}, sshd.Host("web-1")), t, sshd, sshd.Root}
	content := noise(4 * mib)
	up := r.open(alice, "f", 4*mib).Upload
	r.send(alice, up.ID, content, 0, mib)
	server.Flush()
	r.send(alice, up.ID, content, mib, mib)
	_, err := r.tryOpen(bob, "f", 4*mib)
	wantCode(t, err, gateway.OwnedByAnother)

	// A gateway that never saw the upload knows no id, and gives the same one back.
	r.stop() // it tells a registry that has lost its data what it knows
	server.Flush()
	fresh := &rig{gatewayOn(t, st, sshpool.Options{}, sshd.Host("web-1")), t, sshd, sshd.Root}
	wantCode(t, fresh.trySend(alice, up.ID, content, 2*mib, mib), gateway.UnknownUpload)
	_, err = fresh.tryOpen(bob, "f", 4*mib)
	wantCode(t, err, gateway.OwnedByAnother)
	again := fresh.open(alice, "f", 4*mib)
	if again.Upload.ID != up.ID || again.Upload.ReceivedBytes != 2*mib {
		t.Fatalf("rebuilt as %+v", again.Upload)
	}
	fresh.send(alice, up.ID, content, 2*mib, 2*mib)
	fresh.finish(alice, up.ID)
	fresh.exact("f", content)
}

func TestRegistryDown(t *testing.T) {
	t.Parallel()
	st, server := redis(t)
	sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	r := &rig{gatewayOn(t, st, sshpool.Options{}, sshd.Host("web-1")), t, sshd, sshd.Root}
	content := noise(4 * mib)
	up := r.open(alice, "f", 4*mib).Upload
	server.Kill()
	r.send(alice, up.ID, content, 0, 2*mib) // its claim is confirmed
	r.send(alice, up.ID, content, 2*mib, 2*mib)
	_, err := r.tryOpen(alice, "g", mib)
	wantCode(t, err, gateway.RegistryUnavailable)
	_, err = r.tryFinish(alice, up.ID, gateway.FinishRequest{Size: -1})
	wantCode(t, err, gateway.RegistryUnavailable)
	server.Restart()
	// Until the gateway has noticed it says to try again.
	await.Until(t, "the registry to be there again", func() bool {
		_, err := r.tryFinish(alice, up.ID, gateway.FinishRequest{Size: -1})
		if err != nil {
			wantCode(t, err, gateway.RegistryUnavailable)
		}
		return err == nil
	})
	r.exact("f", content)
}

func TestPutFile(t *testing.T) {
	t.Parallel()
	r := newRig(t, remotetest.SSHDOptions{})
	put := func(name string, content []byte, size int64, edit ...func(*gateway.PutRequest)) (gateway.PutResult, error) {
		req := gateway.PutRequest{Host: "web-1", Path: r.path(name), Size: size, R: bytes.NewReader(content)}
		for _, e := range edit {
			e(&req)
		}
		return r.PutFile(t.Context(), alice, req)
	}
	for name, n := range map[string]int{"empty": 0, "tiny": 10, "segment": 8 * mib, "large": 19*mib + 7} {
		for kind, size := range map[string]int64{"declared": int64(n), "not declared": -1} {
			content := noise(n)
			p, err := put(name+" "+kind, content, size)
			if err != nil || p.Replaced || p.Upload.State != gateway.Done {
				t.Fatalf("%s, size %s: %+v, %v", name, kind, p, err)
			}
			r.exact(name+" "+kind, content)
		}
	}
	_, err := put("tiny declared", noise(5), 5)
	wantCode(t, err, gateway.TargetExists)
	p, err := put("tiny declared", noise(5), 5, func(p *gateway.PutRequest) { p.IfExists = gateway.ReplaceIfExists })
	if err != nil || !p.Replaced {
		t.Fatalf("replace: %+v, %v", p, err)
	}
	r.exact("tiny declared", noise(5))

	digest := digestOf(noise(7))
	withDigest := func(p *gateway.PutRequest) { p.Digest = &digest }
	_, err = put("checked", noise(6), 6, withDigest)
	wantCode(t, err, gateway.DigestMismatch)
	r.absent("checked")
	if _, err = put("checked", noise(7), 7, withDigest); err != nil {
		t.Fatal(err)
	}
	// The answer was lost; the same request again has the same result.
	if again, err := put("checked", noise(7), 7, withDigest); err != nil || again.Upload.State != gateway.Done {
		t.Fatalf("repeated: %+v, %v", again, err)
	}
	_, err = put("long", noise(20), 10)
	wantCode(t, err, gateway.TooLarge)
	r.absent("long")
	r.clean(".")
}

func TestPutFileCut(t *testing.T) {
	t.Parallel()
	r := newRig(t, remotetest.SSHDOptions{})
	content := noise(30 * mib)
	cut := io.MultiReader(bytes.NewReader(content[:21*mib]), failing{})
	_, err := r.PutFile(t.Context(), alice, gateway.PutRequest{Host: "web-1", Path: r.path("f"), Size: int64(len(content)), R: cut})
	wantCode(t, err, gateway.InvalidRequest)
	r.absent("f")
	up := r.open(alice, "f", int64(len(content)))
	if !up.Resumed || up.Upload.ReceivedBytes != 21*mib {
		t.Fatalf("kept %d bytes", up.Upload.ReceivedBytes)
	}
	r.send(alice, up.Upload.ID, content, 21*mib, 9*mib)
	r.finish(alice, up.Upload.ID)
	r.exact("f", content)
}

// failing is a client that is cut off.
type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("connection reset by peer") }

func TestChunkCut(t *testing.T) {
	t.Parallel()
	r := newRig(t, remotetest.SSHDOptions{})
	content := noise(10 * mib)
	digest := digestOf(content)
	up := r.open(alice, "f", 10*mib).Upload
	for name, d := range map[string]*gateway.Digest{"with a digest nothing is kept": &digest, "without one what arrived is kept": nil} {
		b := gateway.Body{Off: 0, Len: 10 * mib, Total: -1, Digest: d, R: io.MultiReader(bytes.NewReader(content[:9*mib]), failing{})}
		_, err := r.Receive(t.Context(), alice, up.ID, b)
		wantCode(t, err, gateway.InvalidRequest)
		got, err := r.Get(t.Context(), alice, up.ID)
		if err != nil {
			t.Fatal(err)
		}
		if want := map[bool]int64{true: 0, false: 9 * mib}[d != nil]; got.ReceivedBytes < want || d != nil && got.ReceivedBytes != 0 && got.ReceivedBytes != 9*mib {
			t.Errorf("%s: %d bytes", name, got.ReceivedBytes)
		}
	}
	wrong := digestOf(nil)
	_, err := r.Receive(t.Context(), alice, up.ID, gateway.Body{Off: 9 * mib, Len: mib, Total: -1, Digest: &wrong, R: bytes.NewReader(content[9*mib:])})
	wantCode(t, err, gateway.DigestMismatch)
	r.send(alice, up.ID, content, 0, 10*mib)
	r.finish(alice, up.ID)
	r.exact("f", content)
}

func TestNonsense(t *testing.T) {
	t.Parallel()
	r := newRig(t, remotetest.SSHDOptions{})
	for name, path := range map[string]string{
		"relative": "f", "dots": r.path("x") + "/../f", "staging": r.path(".f.sftpgate"), "outside": "/etc/f", "root itself": r.root,
	} {
		_, err := r.Open(t.Context(), alice, gateway.OpenRequest{Host: "web-1", Path: path, Size: 1})
		if c := gateway.CodeOf(err); c != gateway.InvalidRequest && c != gateway.PathForbidden && c != gateway.NotAFile {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := r.Open(t.Context(), alice, gateway.OpenRequest{Host: "web-9", Path: r.path("f"), Size: 1})
	wantCode(t, err, gateway.UnknownHost)
	_, err = r.tryOpen(alice, "no/such/dir/f", 1)
	wantCode(t, err, gateway.NoSuchDirectory)
	_, err = r.tryOpen(alice, "f", -2)
	wantCode(t, err, gateway.InvalidRequest)
	_, err = r.tryOpen(alice, "f", 1<<59)
	wantCode(t, err, gateway.NoSpace)
	_, err = r.tryOpen(alice, "f", 1<<62)
	wantCode(t, err, gateway.TooLarge)
	r.clean(".")

	up := r.open(alice, "f", mib).Upload
	content := noise(2 * mib)
	for name, b := range map[string]gateway.Body{
		"negative offset":  {Off: -1, Len: 1},
		"behind the end":   {Off: mib + 1, Len: 1},
		"longer than file": {Off: 0, Len: mib + 1},
		"overflow":         {Off: 1<<63 - 1, Len: 10},
		"other total":      {Off: 0, Len: 1, Total: 5},
	} {
		if b.Total == 0 {
			b.Total = -1
		}
		b.R = bytes.NewReader(content)
		_, err := r.Receive(t.Context(), alice, up.ID, b)
		if c := gateway.CodeOf(err); c != gateway.InvalidRequest && c != gateway.TooLarge {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, index := range []int64{-1, 1, 1 << 62} {
		_, err := r.ReceiveChunk(t.Context(), alice, up.ID, index, gateway.Body{Len: 10, Total: -1, R: bytes.NewReader(content)})
		wantCode(t, err, gateway.InvalidRequest)
	}
	if u, err := r.Get(t.Context(), alice, up.ID); err != nil || u.ReceivedBytes != 0 {
		t.Errorf("%+v, %v", u, err)
	}
	if err := r.Cancel(t.Context(), alice, up.ID); err != nil {
		t.Fatal(err)
	}
	r.clean(".")
}

func TestEntriesHideStaging(t *testing.T) {
	t.Parallel()
	r := newRig(t, remotetest.SSHDOptions{})
	r.open(alice, "f", mib)
	if err := os.Mkdir(filepath.Join(r.root, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	list, err := r.Entries(t.Context(), alice, "web-1", r.root)
	if err != nil || len(list.Entries) != 1 || list.Entries[0].Name != "sub" || list.Entries[0].Type != "dir" {
		t.Errorf("%+v, %v", list, err)
	}
}
