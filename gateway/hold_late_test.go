package gateway_test

import (
	"strings"
	"testing"

	"sftpgate/gateway"
	"sftpgate/gateway/access"
	"sftpgate/remote/remotetest"
)

// A body is held for an upload that an expired ticket has opened, and for nothing else.
func TestExpiredTicketHolds(t *testing.T) {
	t.Parallel()
	r := newRig(t, remotetest.SSHDOptions{})
	old := holder("alice", "one")
	id := r.open(old, "f", 5).Upload.ID
	hold := func(c access.Caller) (*gateway.Held, error) {
		return r.Hold(t.Context(), c, "web-1", r.root, strings.NewReader("hello"), 100)
	}
	for _, c := range []access.Caller{late(holder("alice", "two")), late(holder("bob", "one")), late(holder("alice", "one", access.OpRead))} {
		if _, err := hold(c); gateway.CodeOf(err) != gateway.Unauthenticated && gateway.CodeOf(err) != gateway.Forbidden {
			t.Errorf("%+v: %v", c, err)
		}
	}
	other := r.open(holder("alice", "two"), "g", 5).Upload.ID
	for at, code := range map[string]gateway.Code{other: gateway.Unauthenticated, id: ""} {
		held, err := hold(late(old))
		if err != nil {
			t.Fatal(err)
		}
		if _, err = held.Place(t.Context(), at, 0); gateway.CodeOf(err) != code {
			t.Errorf("placed: %v", err)
		}
	}
	if err := r.Cancel(t.Context(), alice, other); err != nil {
		t.Fatal(err)
	}
	r.finish(late(old), id)
	r.exact("f", []byte("hello"))
}
