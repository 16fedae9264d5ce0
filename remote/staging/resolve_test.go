package staging_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"sftpgate/remote/staging"
)

// layout fills the root and a directory outside with links of every kind.
func layout(s *site) (outside string) {
	s.t.Helper()
	outside, err := filepath.EvalSymlinks(s.t.TempDir())
	s.check(err)
	s.mkdir(s.path("dir/sub"))
	s.write(s.path("file"), "content")
	s.write(outside+"/canary", "alive")
	s.mkdir(s.path(".x.sftpgate/sub"))
	for name, to := range map[string]string{
		"in": "dir", "abs": s.path("dir"), "chain": "in", "dots": "./dir/../dir/./sub/..", "final": outside + "/canary",
		"self": ".", "up": "../" + filepath.Base(s.root) + "/dir", "out": outside, "parent": "..", "slash": "/",
		"dangling": "none/deep", "dangling-up": "none/../dir", "dangling-out": outside + "/none",
		"loop": "loop2", "loop2": "loop", "itself": "itself", "to-file": "file", "to-staging": ".x.sftpgate", "to-new-staging": ".y.sftpgate",
	} {
		s.symlink(to, s.path(name))
	}
	s.check(s.c.Symlink(s.path("dir"), outside+"/back"))
	s.symlink(outside+"/back", s.path("out-and-back"))
	return outside
}

func TestResolve(t *testing.T) {
	t.Parallel()
	s := onSSHD(t)
	layout(s)
	for p, dir := range map[string]string{
		"a": "", "file": "", "final": "", "in": "", "dir/a": "dir", "dir/sub/a": "dir/sub", "in/a": "dir", "abs/sub/a": "dir/sub",
		"chain/a": "dir", "dots/a": "dir", "self/self/a": "", "up/a": "dir", "out-and-back/a": "dir", "dir/%2e%2e": "dir", "in/e\u0301": "dir",
	} {
		target, err := s.Resolve(s.ctx, s.root+"/"+p, false)
		if err != nil {
			t.Errorf("%s: %v", p, err)
			continue
		}
		if target.Dir != s.path(dir) || target.Name != filepath.Base(p) || target.Root != s.root || target.Host != "h" {
			t.Errorf("%s is %+v, want directory %s", p, target, s.path(dir))
		}
	}
}

func TestListsAreSorted(t *testing.T) {
	t.Parallel()
	s := onSSHD(t)
	for i := range 60 {
		s.check(os.WriteFile(s.path(fmt.Sprintf("%x", sha256.Sum256([]byte{byte(i)}))), nil, 0o600))
	}
	infos, _, err := s.List(s.ctx, s.root)
	if err != nil || len(infos) != 60 || !slices.IsSortedFunc(infos, func(a, b fs.FileInfo) int { return strings.Compare(a.Name(), b.Name()) }) {
		t.Errorf("%d entries, %v", len(infos), err)
	}
}

// Who asked for a file reads its path and where it may be, not its directory's.
func TestWhatIsOutsideIsNamedAsAskedFor(t *testing.T) {
	t.Parallel()
	s := onSSHD(t)
	layout(s)
	for _, p := range []string{"/etc/hosts", s.path("out/a")} {
		_, err := s.Resolve(s.ctx, p, false)
		if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("path %q", p)) || !strings.Contains(err.Error(), "below "+s.root) {
			t.Errorf("%v", err)
		}
		_, err = s.Resolve(s.ctx, p, false, s.path("dir"))
		if err == nil || strings.Contains(err.Error(), "below "+s.root) {
			t.Errorf("with a ticket: %v", err)
		}
	}
}

func TestResolveRefuses(t *testing.T) {
	t.Parallel()
	s := onSSHD(t)
	outside := layout(s)
	forbidden := []string{
		s.path("out/a"), s.path("out/none/a"), s.path("parent/a"), s.path("slash/a"), s.path("slash/etc/a"), s.path("dangling-out/a"),
		s.path("to-staging/a"), s.path("to-staging/sub/a"), s.path("to-new-staging/a"), s.path("loop/a"), s.path("itself/a"), s.path("loop/a/b"),
		outside + "/a", outside + "/back/a", outside + "/canary/a", outside + "/none/a", "/etc/passwd", "/a", s.root + "2/a", s.path(".x.sftpgate/a"),
		s.path("parent") + "/" + filepath.Base(s.root) + "-not/a",
	}
	for _, makeDirs := range []bool{false, true} {
		for _, p := range forbidden {
			_, err := s.Resolve(s.ctx, p, makeDirs)
			var bad *staging.PathError
			if !errors.As(err, &bad) || !bad.Forbidden {
				t.Errorf("%s: want a path that is forbidden, got %v", p, err)
			}
		}
		for _, p := range []string{"file/a", "to-file/a", "file/a/b"} {
			if _, err := s.Resolve(s.ctx, s.path(p), makeDirs); !errors.As(err, new(*staging.KindError)) {
				t.Errorf("%s: want a file in the way, got %v", p, err)
			}
		}
	}
	for _, p := range []string{"none/a", "dir/none/deep/a", "in/none/a", "dangling/a", "dangling-up/a"} {
		_, err := s.Resolve(s.ctx, s.path(p), false)
		if !errors.As(err, new(*staging.DirError)) || !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: want a missing directory, got %v", p, err)
		}
	}
	if _, err := s.Resolve(s.ctx, s.root, false); err == nil {
		t.Error("the root is no place for a file")
	}
	s.wantNames(outside, "canary", "back")
	s.wantFile(outside+"/canary", "alive")
	if s.exists(s.path(".y.sftpgate")) || s.exists(s.path("none")) {
		t.Error("a refused path was made")
	}
}

func TestResolveMakesDirectories(t *testing.T) {
	t.Parallel()
	s := onSSHD(t)
	layout(s)
	for p, dir := range map[string]string{
		"new/deep/er/a": "new/deep/er", "in/fresh/a": "dir/fresh", "dangling/x/a": "none/deep/x", "ünï/e\u0301/$(id)/a": "ünï/e\u0301/$(id)", "dir/a": "dir",
	} {
		target, err := s.Resolve(s.ctx, s.path(p), true)
		if err != nil || target.Dir != s.path(dir) {
			t.Errorf("%s is %+v, %v", p, target, err)
			continue
		}
		if info, err := s.c.Lstat(s.path(dir)); err != nil || !info.IsDir() {
			t.Errorf("%s was not made: %v", dir, err)
		}
	}
	// Two at once: both have it.
	other := s.gateway()
	var wg sync.WaitGroup
	for range 4 {
		for _, h := range []*staging.Host{s.Host, other} {
			wg.Go(func() {
				if _, err := h.Resolve(s.ctx, s.path("at/once/and/again/a"), true); err != nil {
					t.Error(err)
				}
			})
		}
	}
	wg.Wait()
}

// A root may be a symlink itself; then both of its names are good.
func TestRootThatIsALink(t *testing.T) {
	t.Parallel()
	s := onSSHD(t)
	layout(s)
	named := filepath.Join(t.TempDir(), "named")
	s.symlink(s.path("dir"), named)
	s.config.Roots = []string{named, "/nonexistent/root"}
	h := s.gateway()
	for _, p := range []string{named + "/sub/a", s.path("dir/sub/a")} {
		target, err := h.Resolve(s.ctx, p, false)
		if err != nil || target.Dir != s.path("dir/sub") || target.Root != named {
			t.Errorf("%s is %+v, %v", p, target, err)
		}
	}
	if _, err := h.Resolve(s.ctx, s.path("a"), false); !errors.As(err, new(*staging.PathError)) {
		t.Errorf("beside the root: %v", err)
	}
	s.config.Roots = []string{"/nonexistent/root"}
	if _, err := s.gateway().Resolve(s.ctx, "/nonexistent/root/a", true); err == nil || !strings.Contains(err.Error(), "/nonexistent/root") {
		t.Errorf("without any root: %v", err)
	}
}

func TestListHidesStaging(t *testing.T) {
	t.Parallel()
	s := onSSHD(t)
	layout(s)
	s.create(s.target("upload"), "alice", "id", 5)
	for _, dir := range []string{s.root, s.path("self")} {
		infos, staged, err := s.List(s.ctx, dir)
		s.check(err)
		seen := map[string]bool{}
		for _, info := range infos {
			seen[info.Name()] = true
			if staging.IsStaging(info.Name()) {
				t.Errorf("%s lists %s", dir, info.Name())
			}
		}
		if !seen["file"] || !seen["dir"] {
			t.Errorf("%s lists %v", dir, seen)
		}
		if staged.Dir != s.root {
			t.Errorf("%s: the staging that it hides is not told of: %+v", dir, staged)
		}
	}
	if _, staged, err := s.List(s.ctx, s.path("dir")); err != nil || staged.Dir != "" {
		t.Errorf("a directory without staging: %+v, %v", staged, err)
	}
	for _, dir := range []string{s.path("out"), s.path(".x.sftpgate"), s.path("to-staging")} {
		if infos, _, err := s.List(s.ctx, dir); !errors.As(err, new(*staging.PathError)) {
			t.Errorf("%s: %v, %v", dir, infos, err)
		}
	}
}
