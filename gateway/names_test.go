package gateway_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sftpgate/gateway"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/sshpool"
)

// strangeNames are file names that mean something to a shell, to a terminal, or
// to somebody who reads quickly.
var strangeNames = []string{
	"a b", " lead", "trail ", "-rf", "--", "-", "a'b", `a"b`, "$(touch canary)", "`touch canary`", "${HOME}", "$HOME", "~", "~root", "*", "?[a]", "!x",
	"a;touch canary;", "a|touch canary", "a&touch canary", "a>canary", "#x", "%s%n%d", "%2e%2e", "%00", "..x", "x..", "...", ".hidden", "a=b", "a:b",
	"\u00e9", "e\u0301", "\U0001f642", "\u540d\u5b57", "\u202egnp.exe", "<b>x", "x.sftpgate.txt", strings.Repeat("n", 255), strings.Repeat("\u00fc", 127),
}

// Whatever a file is called, it is stored under exactly that name, by each
// engine, in a directory of such a name, and nothing in it runs.
func TestStrangeNames(t *testing.T) {
	t.Parallel()
	content := noise(2000)
	for engine, o := range hostsOfEveryKind {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, o)
			tried := 0
			for i, name := range strangeNames {
				if engine != "shell" && i%3 > 0 && !*prove { // no name of a file meets a shell there
					continue
				}
				tried++
				dir := fmt.Sprintf("%d %s", i, name)
				if len(dir) > 255 {
					dir = fmt.Sprint(i)
				}
				at := dir + "/" + name
				up := r.open(alice, at, 2000, func(o *gateway.OpenRequest) { o.MakeDirs = true }).Upload
				r.send(alice, up.ID, content, 1000, 1000)
				r.send(alice, up.ID, content, 0, 1000)
				if done := r.finish(alice, up.ID); done.Engine != engine || done.Path != r.path(at) {
					t.Errorf("%q: by %s, at %q", name, done.Engine, done.Path)
				}
				r.exact(at, content)
				names, err := os.ReadDir(r.path(dir))
				if err != nil || len(names) != 1 || names[0].Name() != name {
					t.Errorf("%q: the directory has %v, %v", name, names, err)
				}
				list, err := r.Entries(t.Context(), alice, "web-1", r.path(dir))
				if err != nil || len(list.Entries) != 1 || list.Entries[0].Name != name {
					t.Errorf("%q is listed as %+v, %v", name, list.Entries, err)
				}
				if i%10 == 0 { // the way of small files too
					if _, err := r.PutFile(t.Context(), alice, gateway.PutRequest{Host: "web-1", Path: r.path(at), Size: 7, R: bytes.NewReader(content[:7]),
						Options: gateway.Options{IfExists: gateway.ReplaceIfExists}}); err != nil {
						t.Errorf("%q: %v", name, err)
					}
					r.exact(at, content[:7])
				}
			}
			all, err := os.ReadDir(r.root)
			if err != nil || len(all) != tried {
				t.Errorf("%d directories for %d names, %v", len(all), tried, err)
			}
			for _, where := range []string{r.root, r.sshd.Home, "."} {
				if _, err := os.Lstat(filepath.Join(where, "canary")); err == nil {
					t.Errorf("a name was run as a command: there is a canary in %s", where)
				}
			}
		})
	}
}

// Paths that lead elsewhere, or that an SFTP server cannot bear, are refused on
// every call that takes one; nothing is made by them inside or outside the roots,
// and another upload on the same, only connection does not notice.
func TestPathsThatLeadElsewhere(t *testing.T) {
	t.Parallel()
	for engine, o := range hostsOfEveryKind {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			sshd := remotetest.StartSSHD(t, o)
			h := sshd.Host("web-1")
			outside, err := filepath.EvalSymlinks(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			put(t, filepath.Join(outside, "canary"), "alive")
			put(t, filepath.Join(sshd.Root, "sub/canary"), "alive")
			h.Connections = 1
			r := &rig{gatewayOn(t, embedded(t), sshpool.Options{}, h), t, sshd, sshd.Root}
			content := noise(3000)
			other := r.open(bob, "other", 3000).Upload
			r.send(bob, other.ID, content, 0, 1000)
			server := sshd.SFTPServers()[0]
			standing := func() string { // but for what becomes of the other upload
				return strings.Join(slices.DeleteFunc(strings.Split(tree(t, r.root), "\n"), func(line string) bool {
					return strings.HasPrefix(line, "/.other.sftpgate")
				}), "\n")
			}
			in, out := standing(), tree(t, outside)
			up := strings.Repeat("../", 12)
			for _, p := range []string{
				r.root + "/../" + filepath.Base(outside) + "/f", r.root + "/sub/" + up + outside[1:] + "/f", r.root + "/sub/../../f", r.root + "/sub/../f", r.root + "/./f", r.root + "/..",
				outside + "/f", "/etc/passwd", "/", "//", r.root + "//f", "/" + r.root + "/f", r.root + "/sub//f", r.root + "/sub/", r.root + "/f/", "f", "", "~/f",
				r.root + `/..\f`, r.root + `\..\..\f`, r.root + "/f\x00", r.root + "/\x00", r.root + "/f\x00/../../x", r.root + "/a\nb", r.root + "/a\rb", r.root + "/\x1b[2J", r.root + "/a\x7f", r.root + "/a\u0085", r.root + "/a\u2028b",
				r.root + "/\xff", r.root + "/\xc0\xaf", r.root + "/\xc0\xae\xc0\xae/f", r.root + "/\xed\xa0\x80",
				r.root + "/" + strings.Repeat("a", 5000), r.root + strings.Repeat("/a", 2500), r.root + "/" + strings.Repeat("a", 256),
				r.root + "2/f", filepath.Dir(r.root) + "/f",
				r.path(".other.sftpgate/x"), r.path(".other.sftpgate"), r.path(".OTHER.SFTPGATE/x"), r.path("sub/.x.sftpgate/y"), r.path("x.sftpgate"), r.path("x.\u017fftpgate"),
			} {
				for _, call := range []struct {
					name string
					do   func() error
				}{
					{"open", func() error {
						return second(r.Open(t.Context(), alice, gateway.OpenRequest{Host: "web-1", Path: p, Size: 4, Options: gateway.Options{MakeDirs: true}}))
					}},
					{"put", func() error {
						return second(r.PutFile(t.Context(), alice, gateway.PutRequest{Host: "web-1", Path: p, Size: 4, R: strings.NewReader("evil"),
							Options: gateway.Options{MakeDirs: true, IfExists: gateway.ReplaceIfExists}}))
					}},
					{"list", func() error { return second(r.Entries(t.Context(), alice, "web-1", p)) }},
					{"part", func() error { return second(r.OpenUnnamed(t.Context(), alice, "web-1", p, 4)) }},
					{"form", func() error {
						return second(r.Hold(t.Context(), alice, "web-1", p, strings.NewReader("evil"), 64))
					}},
				} {
					err := call.do()
					code := gateway.CodeOf(err)
					if code == gateway.NoSuchDirectory && (call.name == "list" || call.name == "part" || call.name == "form") {
						continue // a file's path is none of a directory
					}
					if code != gateway.InvalidRequest && code != gateway.PathForbidden {
						t.Errorf("%s %.80q: %v", call.name, p, err)
					}
				}
			}
			if now := tree(t, outside); now != out {
				t.Errorf("outside stands\n%s", now)
			}
			if now := standing(); now != in {
				t.Errorf("inside stands\n%.4000s\nand was\n%.4000s", now, in)
			}
			if !slices.Contains(sshd.SFTPServers(), server) {
				t.Error("the SFTP server died of it")
			}
			r.send(bob, other.ID, content, 1000, 2000)
			r.finish(bob, other.ID)
			r.exact("other", content)
		})
	}
}
