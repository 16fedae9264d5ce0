package access_test

import (
	"slices"
	"testing"

	"sftpgate/gateway/access"
)

// Roots are narrowed, and paths covered, by whole components.
func TestScopeByPath(t *testing.T) {
	t.Parallel()
	roots := []string{"/srv/files", "/srv/more"}
	for _, c := range []struct{ paths, roots, covers, not []string }{
		{nil, roots, []string{"/srv/files/f", "/etc"}, nil},
		{[]string{"/"}, roots, []string{"/srv/files/f", "/etc"}, nil},
		{[]string{"/srv"}, roots, []string{"/srv", "/srv/files/f"}, []string{"/srv2", "/"}},
		{[]string{"/srv/files/b", "/srv/files/a", "/srv/files/b", "/elsewhere"}, []string{"/srv/files/a", "/srv/files/b"}, []string{"/srv/files/a/f"}, []string{"/srv/files/ab", "/srv/files"}},
		{[]string{"/srv/files/a", "/srv/more"}, []string{"/srv/files/a", "/srv/more"}, nil, []string{"/srv/files/f"}},
		{[]string{"/srv/files2"}, nil, nil, []string{"/srv/files/f"}},
	} {
		sc := &access.Scope{Paths: c.paths}
		if got := sc.NarrowRoots(roots); !slices.Equal(got, c.roots) {
			t.Errorf("%q narrow the roots to %q", c.paths, got)
		}
		for _, p := range slices.Concat(c.covers, c.not) {
			if sc.CoversPath(p) != slices.Contains(c.covers, p) {
				t.Errorf("%q, %s: %t", c.paths, p, sc.CoversPath(p))
			}
		}
	}
}

func TestScopeByHost(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		scope *access.Scope
		want  bool
	}{
		{nil, true}, {&access.Scope{}, false}, {&access.Scope{Hosts: []string{"web-2"}}, false},
		{&access.Scope{Hosts: []string{"web-2", "web-1"}}, true}, {&access.Scope{Hosts: []string{access.AnyHost}}, true},
	} {
		if c.scope.CoversHost("web-1") != c.want {
			t.Errorf("%+v: %t", c.scope, !c.want)
		}
	}
}

func TestNoScopeBoundsNothing(t *testing.T) {
	t.Parallel()
	c := access.Caller{User: "alice"}
	if c.Paths() != nil || c.MaxSize() != 0 || !c.Scope.CoversPath("/f") || !slices.Equal(c.Scope.NarrowRoots([]string{"/a"}), []string{"/a"}) {
		t.Errorf("%+v is bounded", c)
	}
}
