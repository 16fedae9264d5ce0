package staging_test

import (
	"errors"
	"io/fs"
	"os"
	"os/user"
	"strconv"
	"strings"
	"testing"
	"time"

	"sftpgate/remote/record"
	"sftpgate/remote/staging"
)

const content = "the whole content"

// staged is a generation whose part holds the content.
func (s *site) staged(name string) (*staging.Generation, staging.Publication) {
	s.t.Helper()
	g := s.create(s.target(name), "alice", "id-"+name, int64(len(content)))
	return g, staging.Publication{Source: s.part(g, content), Size: int64(len(content))}
}

func (s *site) publish(g *staging.Generation, p staging.Publication) staging.Published {
	s.t.Helper()
	done, err := g.Publish(s.ctx, p)
	s.check(err)
	return done
}

// wantPublished wants the content at the target, whatever becomes of staging.
func (s *site) wantPublished(g *staging.Generation, done staging.Published) {
	s.t.Helper()
	name := g.Target().Path()
	s.wantFile(name, content)
	if done.File.Path != name || done.File.Size != int64(len(content)) {
		s.t.Errorf("published %+v", done.File)
	}
	if g.State().Intent == nil {
		s.t.Error("no record says that it was going to be published")
	}
}

func TestPublish(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, s *site) {
		g, p := s.staged("a")
		done := s.publish(g, p)
		s.wantPublished(g, done)
		if done.Replaced || done.File.Mode&^0o644 != 0 || done.File.Mode&0o600 != 0o600 {
			t.Errorf("%+v", done)
		}
		// The answer was lost; so it is asked for again, here and on another gateway.
		before := done.File
		for _, g := range []*staging.Generation{g, s.mine(g.Target(), "alice")} {
			done = s.publish(g, p)
			s.wantPublished(g, done)
			if done.File != before {
				t.Errorf("asked again it is %+v, was %+v", done.File, before)
			}
		}
		s.check(g.Remove(s.ctx))
		s.wantNames(s.root, "a")
		s.wantFile(s.path("a"), content)
		_, err := g.Publish(s.ctx, p)
		wantIs(t, err, staging.ErrSuperseded)
	})
}

func TestPublishOnlyCreates(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, s *site) {
		g, p := s.staged("a")
		s.write(s.path("a"), "a stranger's")
		for range 2 { // also the second time, when it could have been us
			_, err := g.Publish(s.ctx, p)
			if e := asError[*staging.ExistsError](t, err); e.File.Size != 12 {
				t.Errorf("%+v", e.File)
			}
			s.wantFile(s.path("a"), "a stranger's")
		}
		s.check(s.c.Remove(s.path("a")))
		s.wantPublished(g, s.publish(g, p))
	})
}

// A file of the same size and time is still a stranger's.
func TestPublishKnowsAStranger(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, s *site) {
		g, p := s.staged("a")
		stranger := strings.ToUpper(content)
		s.write(s.path("a"), stranger)
		_, err := g.Publish(s.ctx, p)
		asError[*staging.ExistsError](t, err)
		at := time.Unix(1_700_000_000, 0)
		s.check(s.c.Chtimes(p.Source, at, at))
		s.check(s.c.Chtimes(s.path("a"), at, at))
		_, err = s.mine(g.Target(), "alice").Publish(s.ctx, p)
		asError[*staging.ExistsError](t, err)
		s.wantFile(s.path("a"), stranger)
		for _, name := range []string{p.Source, s.path("a")} {
			if info, err := s.c.Lstat(name); err != nil || !info.ModTime().Equal(at) {
				t.Errorf("%s has another time now: %v, %v", name, info.ModTime(), err)
			}
		}
	})
}

// Cut off between the step and its answer: the target is ours already.
func TestPublishWasCutOff(t *testing.T) {
	t.Parallel()
	s := onSSHD(t)
	g, p := s.staged("a")
	intend(s, g, "part.0")
	s.check(s.c.Link(p.Source, s.path("a")))
	at := time.Unix(1_700_000_000, 0)
	s.check(s.c.Chtimes(p.Source, at, at))
	done := s.publish(s.mine(g.Target(), "alice"), p)
	s.wantFile(s.path("a"), content)
	if !done.File.MTime.Equal(at) {
		t.Errorf("its time is %v now", done.File.MTime)
	}

	// Replaced by a second link; the ETag that was asked for is that of the file before.
	g, p = s.staged("b")
	s.write(s.path("b"), "old")
	p.Replace, p.IfMatch = true, s.look(s.Host, g.Target(), "alice").File.ETag()
	intend(s, g, "part.0")
	s.check(s.c.Link(p.Source, g.Dir()+"/pub-x"))
	s.check(s.c.PosixRename(g.Dir()+"/pub-x", s.path("b")))
	s.wantFile(s.publish(g, p).File.Path, content)
}

func intend(s *site, g *staging.Generation, source string) {
	s.t.Helper()
	s.check(g.Advance(s.ctx, func(_ record.State, next *record.Record) error {
		next.Intent = &record.Intent{Source: source}
		return nil
	}))
}

// The assembled file vanished, and a file of its size is at the target: that is
// no publication where ours would have stayed.
func TestPublishWithoutItsSource(t *testing.T) {
	t.Parallel()
	s := onSSHD(t)
	g, p := s.staged("a")
	s.write(s.path("a"), strings.ToUpper(content))
	p.Replace = true
	intend(s, g, "part.0")
	s.check(s.c.Remove(p.Source))
	if done, err := g.Publish(s.ctx, p); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%+v, %v", done, err)
	}
	s.wantFile(s.path("a"), strings.ToUpper(content))
}

func TestPublishChecksTheSize(t *testing.T) {
	t.Parallel()
	s := onSSHD(t)
	g, p := s.staged("a")
	s.write(p.Source, content+"!")
	_, err := g.Publish(s.ctx, p)
	wantIs(t, err, staging.ErrContent)
	p.Source = s.write(s.path("elsewhere"), content)
	if _, err := s.create(s.target("b"), "alice", "id", 5).Publish(s.ctx, p); err == nil {
		t.Error("a file from elsewhere was published")
	}
	s.wantNames(s.root, ".a.sftpgate", ".b.sftpgate", "elsewhere")
}

func TestReplace(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, s *site) {
		g, p := s.staged("a")
		s.write(s.path("a"), "old")
		s.check(s.c.Chmod(s.path("a"), 0o751))
		p.Replace = true
		done := s.publish(g, p)
		s.wantPublished(g, done)
		if !done.Replaced || done.File.Mode != 0o751 {
			t.Errorf("%+v", done)
		}
		again := s.publish(s.mine(g.Target(), "alice"), p)
		if again.File != done.File {
			t.Errorf("asked again it is %+v, was %+v", again.File, done.File)
		}
		s.check(g.Remove(s.ctx))
		s.wantNames(s.root, "a")
	})
}

func TestReplaceIfMatch(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, s *site) {
		g, p := s.staged("a")
		p.Replace, p.IfMatch = true, `"3-1"`
		_, err := g.Publish(s.ctx, p)
		if e := asError[*staging.ChangedError](t, err); e.File != nil {
			t.Errorf("%+v", e.File)
		}
		s.write(s.path("a"), "old")
		_, err = g.Publish(s.ctx, p)
		if e := asError[*staging.ChangedError](t, err); e.File == nil || e.File.Size != 3 {
			t.Errorf("%+v", e.File)
		}
		s.wantFile(s.path("a"), "old")
		p.IfMatch = s.look(s.Host, g.Target(), "alice").File.ETag()
		s.wantPublished(g, s.publish(g, p))
		s.wantPublished(g, s.publish(g, p)) // it is ours now, and matches no more
	})
}

func TestPublishRefusesWhatIsNoFile(t *testing.T) {
	t.Parallel()
	s := onSSHD(t)
	s.write(s.path("other"), "alive")
	s.mkdir(s.path("dir"))
	for name, make := range map[string]func(at string){
		"link":     func(at string) { s.symlink("other", at) },
		"dangling": func(at string) { s.symlink("none", at) },
		"dir-link": func(at string) { s.symlink("dir", at) },
		"new-dir":  func(at string) { s.mkdir(at) },
	} {
		for _, replace := range []bool{false, true} {
			name := name + strconv.FormatBool(replace)
			g, p := s.staged(name)
			p.Replace = replace
			make(s.path(name)) // after everybody has looked
			for range 2 {
				_, err := g.Publish(s.ctx, p)
				asError[*staging.KindError](t, err)
			}
			s.wantFile(p.Source, content)
		}
	}
	s.wantFile(s.path("other"), "alive")
	s.wantNames(s.path("dir"))
	if s.exists(s.path("none")) {
		t.Error("a dangling link was written through")
	}
}

func TestAttributes(t *testing.T) {
	t.Parallel()
	s := onSSHD(t)
	uid, gid := uint32(os.Getuid()), uint32(os.Getgid())
	if uid == 0 { // who may give files away
		uid, gid = 12345, 54321
	}
	at, mode := time.Unix(1_234_567_890, 0), uint32(0o640)
	g, p := s.staged("a")
	p.Attrs = staging.Attrs{Mode: &mode, MTime: at, Owner: strconv.Itoa(int(uid)), Group: strconv.Itoa(int(gid))}
	for range 2 {
		f := s.publish(g, p).File
		if f.Mode != 0o640 || !f.MTime.Equal(at) || f.UID != uid || f.GID != gid {
			t.Errorf("%+v", f)
		}
	}
	// By name; and what is not asked for is kept of the file that is replaced.
	s.check(g.Remove(s.ctx))
	g, p = s.staged("a")
	p.Replace = true
	f := s.publish(g, p).File
	if f.Mode != 0o640 || f.UID != uid || f.GID != gid || f.MTime.Equal(at) {
		t.Errorf("of the old file was kept: %+v", f)
	}
	g, p = s.staged("b")
	me, err := user.Current() // whose number the account has, and whom /etc/passwd knows
	s.check(err)
	p.Attrs.Owner = me.Username
	if f := s.publish(g, p).File; f.UID != uint32(os.Getuid()) {
		t.Errorf("%+v", f)
	}
	for _, attrs := range []staging.Attrs{{Owner: "no-such-user"}, {Group: "no-such-group"}, {Owner: "-1"}, {Owner: "4294967296"}, {Owner: "root:x"}} {
		g, p := s.staged("c")
		p.Attrs = attrs
		_, err := g.Publish(s.ctx, p)
		asError[*staging.NameError](t, err)
		if s.exists(s.path("c")) {
			t.Error("it was published without its owner")
		}
		s.check(g.Remove(s.ctx))
	}
}

func TestSmallFiles(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, s *site) {
		target := s.target("a")
		put := func(text string, p staging.Publication) (staging.Published, error) {
			small, err := s.BeginSmall(s.ctx, target, "alice", !p.Replace)
			if err != nil {
				return staging.Published{}, err
			}
			defer small.Close()
			a, err := small.Attempt(s.ctx)
			s.check(err)
			_, err = a.Fill(s.ctx, strings.NewReader(text))
			s.check(err)
			return small.Publish(s.ctx, p)
		}
		done, err := put("", staging.Publication{})
		s.check(err)
		if done.Replaced || done.File.Size != 0 {
			t.Errorf("%+v", done)
		}
		_, err = put("second", staging.Publication{})
		asError[*staging.ExistsError](t, err)
		s.wantFile(s.path("a"), "")
		_, err = put("third", staging.Publication{Replace: true, IfMatch: `"9-9"`})
		asError[*staging.ChangedError](t, err)
		done, err = put("fourth", staging.Publication{Replace: true, IfMatch: done.File.ETag()})
		s.check(err)
		if !done.Replaced || done.File.Size != 6 {
			t.Errorf("%+v", done)
		}
		s.wantFile(s.path("a"), "fourth")
		s.wantNames(s.root, "a")

		s.write(s.path("other"), "alive")
		target = s.target("link")
		s.symlink("other", s.path("link"))
		_, err = put("fifth", staging.Publication{Replace: true})
		asError[*staging.KindError](t, err)
		s.wantFile(s.path("other"), "alive")
		s.wantNames(s.root, "a", "other", "link")
	})
}

// Where nothing replaces, a replacement that was cut off after the old file was
// taken away goes on.
func TestReplaceInTwoStepsWasCutOff(t *testing.T) {
	t.Parallel()
	s := onDisk(t, deny("posix-rename@openssh.com"))
	g, p := s.staged("a")
	s.write(s.path("a"), "old")
	p.Replace, p.IfMatch = true, s.look(s.Host, g.Target(), "alice").File.ETag()
	intend(s, g, "part.0")
	s.check(s.c.Remove(s.path("a")))
	s.wantPublished(g, s.publish(g, p))

	g, p = s.staged("b")
	s.write(s.path("b"), "old")
	p.Replace = true
	if done := s.publish(g, p); len(done.Notes) == 0 {
		t.Error("it is not said that the file was missing for a moment")
	}
}
