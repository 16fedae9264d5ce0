package staging_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"sftpgate/remote/record"
	"sftpgate/remote/staging"
)

func TestCreateAndLook(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, s *site) {
		target := s.target("app.iso")
		if scene := s.look(s.Host, target, "alice"); scene.File != nil || scene.Mine != nil || scene.Another {
			t.Fatalf("%+v", scene)
		}
		g := s.create(target, "alice", "id-1", 5)
		s.wantNames(s.root, ".app.iso.sftpgate")
		s.wantNames(s.path(".app.iso.sftpgate"), "alice-2bd806c9")
		s.wantNames(g.Dir(), "record.1", "chunks")
		info, err := s.c.Lstat(s.path(".app.iso.sftpgate/alice-2bd806c9"))
		s.check(err)
		if info.Mode().Perm() != 0o700 {
			t.Errorf("others may look into it: %v", info.Mode())
		}
		mine := s.mine(target, "alice")
		if m := mine.State().Meta; m.ID != "id-1" || m.Generation < 1 || m.Path != target.Path() || m.User != "alice" {
			t.Errorf("%+v", m)
		}
		if scene := s.look(s.gateway(), target, "bob"); !scene.Another || scene.Mine != nil {
			t.Errorf("bob sees %+v", scene)
		}
		if scene := s.look(s.Host, s.target("app.iso2"), "bob"); scene.Another {
			t.Error("a claim reaches to another name")
		}
	})
}

func TestLookAtWhatStandsThere(t *testing.T) {
	t.Parallel()
	s := onSSHD(t)
	s.write(s.path("file"), "content")
	s.check(s.c.Chmod(s.path("file"), 0o751))
	s.mkdir(s.path("dir"))
	s.symlink("file", s.path("link"))
	s.symlink("none", s.path("dangling"))
	f := s.look(s.Host, s.target("file"), "alice").File
	if f == nil || f.Size != 7 || f.Mode != 0o751 || f.Path != s.path("file") || f.MTime.IsZero() {
		t.Errorf("%+v", f)
	}
	for name, kind := range map[string]string{"dir": "directory", "link": "symbolic link", "dangling": "symbolic link"} {
		_, err := s.Look(s.ctx, s.target(name), "alice")
		if k := asError[*staging.KindError](t, err); k.Kind != kind {
			t.Errorf("%s is a %s", name, k.Kind)
		}
	}
	// A claim's name that leads elsewhere is no claim.
	s.symlink("dir", s.path(".a.sftpgate"))
	_, err := s.Look(s.ctx, s.target("a"), "alice")
	asError[*staging.KindError](t, err)
}

// Whoever looks at the same time as others may try; one gets it.
func TestCreateRace(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, s *site) {
		second := s.gateway()
		for round := range 2 {
			target := s.target(fmt.Sprint("target-", round))
			users := []string{"alice", "bob", "alice", "carol"} // alice twice: on two gateways
			gateways := []*staging.Host{s.Host, second, second, s.Host}
			scenes := make([]staging.Scene, len(users))
			for i, user := range users {
				scenes[i] = s.look(gateways[i], target, user)
			}
			made, errs := make([]*staging.Generation, len(users)), make([]error, len(users))
			var wg sync.WaitGroup
			for i, user := range users {
				wg.Go(func() {
					made[i], _, errs[i] = gateways[i].Create(s.ctx, target, meta(user, fmt.Sprint("id-", i), 5), scenes[i])
				})
			}
			wg.Wait()
			winner := -1
			for i, err := range errs {
				switch {
				case err == nil && winner < 0:
					winner = i
				case err == nil:
					t.Fatalf("both %s and %s have the claim", users[winner], users[i])
				case !errors.Is(err, staging.ErrTaken):
					t.Errorf("%s: %v", users[i], err)
				}
			}
			if winner < 0 {
				t.Fatalf("nobody has the claim: %v", errs)
			}
			if id := s.mine(target, users[winner]).State().Meta.ID; id != fmt.Sprint("id-", winner) {
				t.Errorf("%s has %s", users[winner], id)
			}
			s.check(made[winner].Remove(s.ctx))
			s.wantNames(s.root) // nothing of the losers either
		}
	})
}

func TestRestart(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, s *site) {
		target := s.target("a")
		first := s.create(target, "alice", "id-1", 5)
		s.commit(first, 0, "old")
		scenes := []staging.Scene{s.look(s.Host, target, "alice"), s.look(s.gateway(), target, "alice")}
		second, _, err := s.Create(s.ctx, target, meta("alice", "id-2", 5), scenes[0])
		s.check(err)
		if second.State().Meta.Generation <= first.State().Meta.Generation {
			t.Errorf("%+v", second.State().Meta)
		}
		if id := s.mine(target, "alice").State().Meta.ID; id != "id-2" {
			t.Errorf("%s counts", id)
		}
		// The user restarts at another gateway, which has not seen that: the later one counts.
		given := second
		second, _, err = s.gateway().Create(s.ctx, target, meta("alice", "id-3", 5), scenes[1])
		s.check(err)
		if id := s.mine(target, "alice").State().Meta.ID; id != "id-3" {
			t.Errorf("%s counts", id)
		}
		s.commit(given, 3, "ok")
		s.commit(first, 3, "ok") // an old tab, before the old one is removed: it does no harm
		if chunks, err := second.Chunks(s.ctx); err != nil || len(chunks) != 0 {
			t.Errorf("it harms the new one: %v, %v", chunks, err)
		}
		s.check(second.RemoveOlder(s.ctx))
		s.wantNames(s.root, ".a.sftpgate")
		_, err = first.Attempt(s.ctx)
		wantIs(t, err, staging.ErrSuperseded)
		_, err = first.Chunks(s.ctx)
		wantIs(t, err, staging.ErrSuperseded)
		wantIs(t, first.Advance(s.ctx, func(record.State, *record.Record) error { return nil }), staging.ErrSuperseded)
		wantIs(t, first.Reload(s.ctx), staging.ErrSuperseded)
		_, err = first.NewPart(s.ctx, 0)
		wantIs(t, err, staging.ErrSuperseded)
		s.check(first.Remove(s.ctx)) // what is gone is gone
		if s.look(s.Host, target, "alice").Mine == nil {
			t.Error("the end of the old one ended the new one")
		}
	})
}

// A clean-up that was cut off, at each of its steps, leaves no claim.
func TestLeftovers(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, s *site) {
		for name, dirs := range map[string][]string{
			"claim": {""}, "own": {"alice-2bd806c9"}, "bobs": {"bob-81b637d8"}, "both": {"alice-2bd806c9", "bob-81b637d8"},
		} {
			target := s.target(name)
			for _, dir := range dirs {
				s.mkdir(s.path("."+name+".sftpgate", dir))
			}
			if scene := s.look(s.Host, target, "alice"); scene.Another || scene.Mine != nil {
				t.Errorf("%s: %+v", name, scene)
			}
			if s.exists(s.path("." + name + ".sftpgate")) {
				t.Errorf("%s: still there", name)
			}
			s.check(s.create(target, "alice", "id", 5).Remove(s.ctx))
		}
	})
}

// An empty claim that appears between the look and the claim is in nobody's way for good.
func TestEmptyClaimAppearsMeanwhile(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, s *site) {
		target := s.target("a")
		scene := s.look(s.Host, target, "alice")
		s.mkdir(s.path(".a.sftpgate"))
		if _, _, err := s.Create(s.ctx, target, meta("alice", "id", 5), scene); err != nil {
			wantIs(t, err, staging.ErrTaken)
			s.create(target, "alice", "id", 5)
		}
		s.mine(target, "alice")
	})
}

func TestWhatIsNoGeneration(t *testing.T) {
	t.Parallel()
	s := onSSHD(t)
	target := s.target("a")
	user := s.mkdir(s.path(".a.sftpgate/alice-2bd806c9"))
	s.mkdir(user + "/gen-1")
	s.write(user+"/gen-1/record.1", `{"sftpgate": 1`)
	s.mkdir(user + "/gen-07/chunks")
	s.mkdir(user + "/other")
	s.write(user+"/gen-9", "a file")
	s.symlink("gen-1", user+"/gen-8")
	scene := s.look(s.Host, target, "alice")
	if scene.Mine != nil || scene.Another {
		t.Fatalf("%+v", scene)
	}
	g, _, err := s.Create(s.ctx, target, meta("alice", "id", 5), scene)
	s.check(err)
	n := g.State().Meta.Generation
	if n < 2 {
		t.Errorf("generation %d beside an invalid 1", n)
	}
	// A higher one without a valid record does not count, but its number is taken.
	const far = 1 << 60 // a clock that was far ahead
	s.mkdir(fmt.Sprintf("%s/gen-%d/chunks", user, far))
	s.write(fmt.Sprintf("%s/gen-%d/record.1", user, far), "")
	scene = s.look(s.Host, target, "alice")
	if scene.Mine == nil || scene.Mine.State().Meta.Generation != n {
		t.Fatalf("%+v", scene)
	}
	g, _, err = s.Create(s.ctx, target, meta("alice", "id-6", 5), scene)
	s.check(err)
	if g.State().Meta.Generation != far+1 {
		t.Errorf("generation %d", g.State().Meta.Generation)
	}
}

// A stranger's things in the claim, and a directory whose record names another
// user, are somebody else's.
func TestStrangersClaims(t *testing.T) {
	t.Parallel()
	s := onSSHD(t)
	s.mkdir(s.path(".file.sftpgate"))
	s.write(s.path(".file.sftpgate/junk"), "x")
	s.create(s.target("user"), "bob", "id", 5)
	s.check(s.c.Rename(s.path(".user.sftpgate/bob-81b637d8"), s.path(".user.sftpgate/alice-2bd806c9")))
	s.create(s.target("moved"), "alice", "id", 5)
	s.check(s.c.Rename(s.path(".moved.sftpgate"), s.path(".path.sftpgate"))) // the record speaks of another path
	for _, name := range []string{"file", "user", "path"} {
		target := s.target(name)
		scene := s.look(s.Host, target, "alice")
		if !scene.Another || scene.Mine != nil {
			t.Errorf("%s: %+v", name, scene)
		}
		_, _, err := s.Create(s.ctx, target, meta("alice", "id", 5), staging.Scene{})
		wantIs(t, err, staging.ErrTaken)
	}
	s.wantFile(s.path(".file.sftpgate/junk"), "x")
}

func TestLongNamesHaveClaims(t *testing.T) {
	t.Parallel()
	s := onSSHD(t)
	long := "" // 255 bytes
	for len(long) < 254 {
		long += "ü"
	}
	a, b := s.target(long+"a"), s.target(long+"b")
	s.create(a, "alice", "id-a", 5)
	s.create(b, "bob", "id-b", 5)
	if s.mine(a, "alice").State().Meta.ID != "id-a" || s.mine(b, "bob").State().Meta.ID != "id-b" {
		t.Error("mixed up")
	}
}
