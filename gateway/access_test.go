package gateway_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"sftpgate/gateway"
	"sftpgate/gateway/access"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/sshpool"
)

// Which call needs what is tested over HTTP, on every route (cmd/sftpgate,
// access_test.go). Here is what has no call of its own, or needs two gateways.

// holder is a user with a ticket.
func holder(user, ticket string, ops ...access.Operation) access.Caller {
	if ops == nil {
		ops = []access.Operation{access.OpRead, access.OpBrowse, access.OpUpload, access.OpCancel}
	}
	return access.Caller{User: user, Credential: access.NewCredential(ticket), Scope: &access.Scope{Hosts: []string{"web-1"}, Operations: ops}}
}

// late is the same ticket when its time is over.
func late(c access.Caller) access.Caller {
	c.Bound = true
	return c
}

func upTo(c access.Caller, most int64) access.Caller {
	scope := *c.Scope
	scope.MaxSize = most
	c.Scope = &scope
	return c
}

// What an expired ticket may go on with is in the record: another gateway, with
// an empty registry, knows it too.
func TestExpiredTicketElsewhere(t *testing.T) {
	t.Parallel()
	r := newRig(t, remotetest.SSHDOptions{})
	content := noise(3 * mib)
	old := holder("alice", "one")
	up := r.open(old, "f", int64(len(content))).Upload
	r.send(old, up.ID, content, 0, mib)
	other := &rig{gatewayOn(t, embedded(t), sshpool.Options{}, r.sshd.Host("web-1")), t, r.sshd, r.root}
	_, err := other.Get(t.Context(), late(old), up.ID)
	wantCode(t, err, gateway.UnknownUpload)
	again := other.open(late(old), "f", int64(len(content)), func(o *gateway.OpenRequest) { o.MakeDirs, o.Restart = true, true })
	if !again.Resumed || again.Upload.ID != up.ID || again.Upload.Token != up.Token || up.Token == "" {
		t.Fatalf("%+v, opened as %+v", again, up)
	}
	other.send(late(old), up.ID, content, mib, mib)
	other.send(access.TokenCaller(up.Token), up.ID, content, 2*mib, mib)
	other.finish(late(old), up.ID)
	other.exact("f", content)
	if over, err := other.Get(t.Context(), access.TokenCaller(up.Token), up.ID); err != nil || over.State != gateway.Done {
		t.Errorf("the end: %+v, %v", over, err)
	}
}

// An expired ticket begins nothing, whatever became of the upload that it opened.
func TestExpiredTicketBeginsNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, remotetest.SSHDOptions{})
	old, fresh := holder("alice", "one"), holder("alice", "two")
	replace := func(o *gateway.OpenRequest) { o.IfExists, o.Restart = gateway.ReplaceIfExists, true }
	for name, after := range map[string]func(id string){
		"cancelled": func(id string) {
			if err := r.Cancel(t.Context(), fresh, id); err != nil {
				t.Fatal(err)
			}
		},
		"restarted": func(string) {
			r.open(fresh, "restarted", 8, func(o *gateway.OpenRequest) { o.Restart = true })
		},
		"done":   func(id string) { r.send(old, id, []byte("hello"), 0, 5); r.finish(old, id) },
		"by bob": func(id string) { _ = r.Cancel(t.Context(), fresh, id); r.open(bob, "by bob", 5) },
	} {
		up := r.open(old, name, 5).Upload
		after(up.ID)
		before := names(t, r.root)
		for _, size := range []int64{5, 8} {
			_, err := r.tryOpen(late(old), name, size, replace)
			wantCode(t, err, gateway.Unauthenticated)
		}
		_, err := r.PutFile(t.Context(), late(old), gateway.PutRequest{Host: "web-1", Path: r.path(name), Size: 5, R: strings.NewReader("other"),
			Options: gateway.Options{IfExists: gateway.ReplaceIfExists}})
		wantCode(t, err, gateway.Unauthenticated)
		if after := names(t, r.root); after != before {
			t.Errorf("%s: it left\n%s\nfor\n%s", name, after, before)
		}
	}
	// Of its own upload it is told as ever.
	r.open(old, "mine", 5)
	if e := wantCode(t, second(r.tryOpen(late(old), "mine", 6)), gateway.DifferentFile); e.Upload == nil {
		t.Error("without the upload in the way")
	}
	_, err := r.tryOpen(late(holder("bob", "one")), "mine", 5)
	wantCode(t, err, gateway.Unauthenticated)
	r.sshd.Stop()
	_, err = r.tryOpen(late(old), "mine", 5)
	wantCode(t, err, gateway.HostUnreachable)
}

func second[T any](_ T, err error) error { return err }

// A token is good for what its ticket was, and says so in a way that cannot be changed.
func TestTokenKeepsToItsTicket(t *testing.T) {
	t.Parallel()
	r := newRig(t, remotetest.SSHDOptions{})
	sender := holder("alice", "one", access.OpUpload)
	up := r.open(sender, "f", 5).Upload
	token := access.TokenCaller(up.Token)
	r.send(token, up.ID, []byte("hello"), 0, 5)
	_, err := r.Get(t.Context(), token, up.ID)
	wantCode(t, err, gateway.Forbidden)
	wantCode(t, r.Cancel(t.Context(), token, up.ID), gateway.Forbidden)
	wantCode(t, r.Takeover(t.Context(), token, up.ID), gateway.Unauthenticated)
	if !strings.HasPrefix(up.Token, "sgu_u_") {
		t.Fatalf("%q", up.Token)
	}
	for _, other := range []string{strings.Replace(up.Token, "sgu_u_", "sgu_ruc_", 1), up.Token + "A", up.Token[:len(up.Token)-1], "sgu_", "sgu_ruc_", "sgu_u_", ""} {
		_, err := r.Get(t.Context(), access.TokenCaller(other), up.ID)
		if code := gateway.CodeOf(err); code != gateway.Unauthenticated {
			t.Errorf("%q: %v", other, err)
		}
	}
	_, err = r.tryOpen(token, "f", 5)
	wantCode(t, err, gateway.Unauthenticated)
	_, err = r.List(t.Context(), token)
	wantCode(t, err, gateway.Unauthenticated)
	if again := r.open(sender, "f", 5).Upload; again.Token != up.Token {
		t.Errorf("another token for the same: %q", again.Token)
	}
	if u := r.open(alice, "g", 5).Upload; u.Token != "" {
		t.Error("a token without a ticket")
	}
}

// Of a long upload resumed under ever new tickets the last ones are remembered.
func TestManyTickets(t *testing.T) {
	t.Parallel()
	r := newRig(t, remotetest.SSHDOptions{})
	var up gateway.Upload
	for i := range 40 {
		up = r.open(holder("alice", fmt.Sprint("ticket ", i)), "f", 5).Upload
	}
	for _, i := range []int{39, 20, 8} {
		if _, err := r.Get(t.Context(), late(holder("alice", fmt.Sprint("ticket ", i))), up.ID); err != nil {
			t.Errorf("ticket %d: %v", i, err)
		}
	}
	_, err := r.Get(t.Context(), late(holder("alice", "ticket 0")), up.ID)
	wantCode(t, err, gateway.Unauthenticated)
}

// A ticket's largest size holds for the whole file, whichever way its bytes
// come, and whichever ticket the upload was opened with.
func TestLargestSize(t *testing.T) {
	t.Parallel()
	r := newRig(t, remotetest.SSHDOptions{})
	content := noise(10 * mib)
	wide, tight := holder("alice", "wide"), upTo(holder("alice", "tight"), 2*mib)
	put := func(c access.Caller, name string, declared int64, n int) error {
		_, err := r.PutFile(t.Context(), c, gateway.PutRequest{Host: "web-1", Path: r.path(name), Size: declared, R: bytes.NewReader(content[:n])})
		return err
	}
	wantCode(t, second(r.tryOpen(tight, "a", 2*mib+1)), gateway.TooLarge)
	wantCode(t, put(tight, "b", 2*mib+1, 2*mib+1), gateway.TooLarge)
	wantCode(t, put(tight, "b", -1, 2*mib+1), gateway.TooLarge)
	wantCode(t, put(tight, "c", -1, 10*mib), gateway.TooLarge)
	_, err := r.OpenUnnamed(t.Context(), tight, "web-1", r.root, 2*mib+1)
	wantCode(t, err, gateway.TooLarge)
	_, err = r.Hold(t.Context(), tight, "web-1", r.root, bytes.NewReader(content), 64*mib)
	wantCode(t, err, gateway.TooLarge)
	for _, name := range []string{"a", "b", "c"} {
		r.absent(name)
	}

	// Opened by one ticket, gone on with by the other.
	for name, by := range map[string][2]access.Caller{"grows": {tight, wide}, "shrinks": {wide, tight}} {
		up := r.open(by[0], name, -1).Upload
		r.send(by[1], up.ID, content, 0, 2*mib)
		wantCode(t, r.trySend(by[1], up.ID, content, 2*mib, 1), gateway.TooLarge)
		wantCode(t, r.trySend(by[1], up.ID, content, mib, 2*mib), gateway.TooLarge)
	}
	up := r.open(wide, "wide", 3*mib).Upload
	r.send(wide, up.ID, content, 0, 3*mib)
	wantCode(t, r.trySend(tight, up.ID, content, 0, mib), gateway.TooLarge)
	_, err = r.Finish(t.Context(), tight, up.ID, gateway.FinishRequest{Size: -1})
	wantCode(t, err, gateway.TooLarge)
	r.finish(wide, up.ID)

	var parts []string
	for range 2 { // each is small enough
		part, err := r.OpenUnnamed(t.Context(), tight, "web-1", r.root, 2*mib)
		if err != nil {
			t.Fatal(err)
		}
		r.send(tight, part.ID, content, 0, 2*mib)
		parts = append(parts, part.ID)
	}
	_, err = r.tryOpen(tight, "whole", -1, func(o *gateway.OpenRequest) { o.Adopt = parts })
	wantCode(t, err, gateway.TooLarge)
	r.open(wide, "whole", -1, func(o *gateway.OpenRequest) { o.Adopt = parts })
}

// A picker begins where its ticket may go.
func TestRootsOfATicket(t *testing.T) {
	t.Parallel()
	r := newRig(t, remotetest.SSHDOptions{})
	for want, paths := range map[string][]string{
		r.root: {"/"}, r.path("a") + " " + r.path("b"): {r.path("b"), r.path("a"), r.path("b"), "/elsewhere"}, "": {r.root + "2"}, r.root + " " + r.path("a"): {r.path("a"), r.root},
	} {
		c := holder("alice", "one")
		c.Scope.Paths = paths
		all, err := r.Hosts(t.Context(), c)
		if err != nil || len(all) != 1 || strings.Join(all[0].Roots, " ") != want {
			t.Errorf("%q: %+v, %v", paths, all, err)
		}
		one, err := r.Host(t.Context(), c, "web-1")
		if err != nil || !reflect.DeepEqual(one.Roots, all[0].Roots) {
			t.Errorf("%q: %+v, %v", paths, one, err)
		}
	}
}

// names is everything below a directory of this machine, in one text.
func names(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(dir, func(p string, _ fs.DirEntry, err error) error {
		all.WriteString(p + "\n")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}
