package staging_test

import (
	"context"
	"log/slog"
	"testing"

	"sftpgate/remote/hosts"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/sshpool"
	"sftpgate/remote/staging"
)

// When hosts.yaml gives an id to another machine, nothing that was found out on
// the old one is said of it.
func TestHostIsAnotherMachineNow(t *testing.T) {
	t.Parallel()
	dial := map[string]func(context.Context, hosts.Host) (sshpool.Transport, error){}
	for address, o := range map[string]remotetest.ServerOptions{"old": {}, "new": {NoHardLinks: true}} {
		d := remotetest.NewDisk()
		if err := d.MkdirAll("/real/" + address); err != nil {
			t.Fatal(err)
		}
		if err := d.Symlink("/real/"+address, "/srv"); err != nil {
			t.Fatal(err)
		}
		dial[address] = d.Dial(o)
	}
	at := func(address string, roots ...string) *hosts.Set {
		t.Helper()
		set, err := hosts.NewSet(hosts.Host{ID: "h", Address: address, User: "u", KeyFile: "/none", KnownHosts: "/none", Roots: roots})
		if err != nil {
			t.Fatal(err)
		}
		return set
	}
	links := sshpool.New(at("old", "/srv"), sshpool.Options{Dial: func(ctx context.Context, h hosts.Host) (sshpool.Transport, error) { return dial[h.Address](ctx, h) }})
	t.Cleanup(func() { _ = links.Close() })
	pool, _ := links.Host("h")
	h := staging.New(pool, slog.New(slog.DiscardHandler))
	look := func(dir string, link bool) {
		t.Helper()
		target, err := h.ResolveDir(t.Context(), "/srv")
		if err != nil || target.Dir != dir {
			t.Fatalf("%+v, %v", target, err)
		}
		can, err := h.Abilities(t.Context(), target)
		if known := h.Known(); err != nil || can.HardLink != link || len(known) != 1 || known["/srv"].HardLink != link {
			t.Fatalf("%v, %v, %v", can.HardLink, known, err)
		}
	}
	look("/real/old", true)
	links.Update(at("new", "/srv"))
	if known := h.Known(); len(known) != 0 {
		t.Errorf("known of a machine that was never asked: %v", known)
	}
	look("/real/new", false)
	links.Update(at("new", "/real/new"))
	if known := h.Known(); len(known) != 0 || h.Config().Roots[0] != "/real/new" {
		t.Errorf("known of a root that is none any more: %v, %v", known, h.Config().Roots)
	}
}
