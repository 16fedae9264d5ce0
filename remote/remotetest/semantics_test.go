package remotetest

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"
)

func TestHandlesOutliveTheirNames(t *testing.T) {
	onBoth(t, func(t *testing.T, h host) {
		c := h.client(t)
		at := func(name string) string { return h.root + "/" + name }

		f := put(t, c, at("unlinked"), "one")
		ok(t, c.Remove(at("unlinked")))
		must(f.WriteAt([]byte("!"), 3))(t)
		wantHandle(t, f, "one!")
		wantGone(t, c, at("unlinked"))
		ok(t, f.Close())

		f = put(t, c, at("old"), "two")
		ok(t, c.Rename(at("old"), at("new")))
		must(f.WriteAt([]byte("2"), 0))(t)
		ok(t, f.Sync())
		wantText(t, c, at("new"), "2wo")

		put(t, c, at("attempt"), "three")
		ok(t, c.PosixRename(at("attempt"), at("new")))
		must(f.WriteAt([]byte("late"), 0))(t) // a frozen writer that wakes
		wantHandle(t, f, "late")
		wantText(t, c, at("new"), "three")

		ok(t, c.Mkdir(at("dir")))
		f = put(t, c, at("dir/f"), "four")
		ok(t, c.PosixRename(at("dir"), at("moved")))
		must(f.WriteAt([]byte("F"), 0))(t)
		wantText(t, c, at("moved/f"), "Four")
	})
}

func TestHardLinksShareTheInode(t *testing.T) {
	onBoth(t, func(t *testing.T, h host) {
		c := h.client(t)
		a, b, other := h.root+"/a", h.root+"/b", h.root+"/other"
		ok(t, put(t, c, a, "text").Close())
		ok(t, put(t, c, other, "other").Close())
		ok(t, c.Link(a, b))
		f := must(c.OpenFile(b, os.O_WRONLY))(t)
		must(f.WriteAt([]byte("T"), 0))(t)
		wantText(t, c, a, "Text")

		wantCode(t, "link onto a name that exists", c.Link(a, other), fxFailure)
		wantCode(t, "link onto itself", c.Link(a, a), fxFailure)
		wantCode(t, "link of nothing", c.Link(h.root+"/none", h.root+"/x"), fxNoSuchFile)
		wantCode(t, "link of a directory", c.Link(h.root, h.root+"/x"), fxPermissionDenied)
		wantText(t, c, other, "other")

		ok(t, c.PosixRename(a, b)) // one inode: nothing happens
		wantText(t, c, a, "Text")
		wantText(t, c, b, "Text")
		wantCode(t, "rename onto the other name", c.Rename(a, b), fxFailure)

		ok(t, c.Remove(a))
		wantText(t, c, b, "Text")
		ok(t, c.Symlink(other, h.root+"/sym"))
		ok(t, c.Link(h.root+"/sym", h.root+"/sym2")) // link(2) does not follow
		if to := must(c.ReadLink(h.root + "/sym2"))(t); to != other {
			t.Errorf("the linked symlink points to %q, want %q", to, other)
		}
	})
}

func TestPosixRenameReplaces(t *testing.T) {
	onBoth(t, func(t *testing.T, h host) {
		c := h.client(t)
		at := func(name string) string { return h.root + "/" + name }
		for _, d := range []string{"full", "full/sub", "empty", "empty2", "dir"} {
			ok(t, c.Mkdir(at(d)))
		}
		ok(t, put(t, c, at("dir/in"), "in").Close())
		ok(t, put(t, c, at("file"), "file").Close())
		ok(t, put(t, c, at("file2"), "file2").Close())

		wantCode(t, "a directory onto one that is not empty", c.PosixRename(at("dir"), at("full")), fxFailure)
		wantCode(t, "a directory onto its non-empty parent", c.PosixRename(at("full/sub"), at("full")), fxFailure)
		wantCode(t, "a directory onto a file", c.PosixRename(at("dir"), at("file")), fxNoSuchFile)
		wantCode(t, "a file onto a directory", c.PosixRename(at("file"), at("empty")), fxFailure)
		wantCode(t, "a directory into itself", c.PosixRename(at("dir"), at("dir/x")), fxBadMessage)
		wantCode(t, "nothing", c.PosixRename(at("none"), at("x")), fxNoSuchFile)
		wantCode(t, "into a missing directory", c.PosixRename(at("file"), at("none/x")), fxNoSuchFile)
		wantCode(t, "a file onto itself", c.PosixRename(at("file"), at("file")), fxOK)
		wantText(t, c, at("dir/in"), "in")
		wantText(t, c, at("file"), "file")

		wantCode(t, "a directory onto an empty one", c.PosixRename(at("dir"), at("empty")), fxOK)
		wantText(t, c, at("empty/in"), "in")
		wantGone(t, c, at("dir"))
		wantCode(t, "a file onto a file", c.PosixRename(at("file2"), at("file")), fxOK)
		wantText(t, c, at("file"), "file2")
		wantGone(t, c, at("file2"))

		ok(t, c.Symlink(at("full"), at("sym")))
		wantCode(t, "a symlink is replaced itself", c.PosixRename(at("file"), at("sym")), fxOK)
		wantText(t, c, at("sym"), "file2")
		wantCode(t, "an empty directory onto an empty one", c.PosixRename(at("full/sub"), at("empty2")), fxOK)
	})
}

func TestRenameIsCreateOnly(t *testing.T) {
	onBoth(t, func(t *testing.T, h host) {
		c := h.client(t)
		at := func(name string) string { return h.root + "/" + name }
		ok(t, c.Mkdir(at("dir")))
		ok(t, c.Mkdir(at("empty")))
		ok(t, put(t, c, at("a"), "a").Close())
		ok(t, put(t, c, at("b"), "b").Close())
		wantCode(t, "a file onto a file", c.Rename(at("a"), at("b")), fxFailure)
		wantCode(t, "a file onto an empty directory", c.Rename(at("a"), at("empty")), fxFailure)
		wantCode(t, "a directory onto an empty one", c.Rename(at("dir"), at("empty")), fxFailure)
		wantCode(t, "nothing", c.Rename(at("none"), at("x")), fxNoSuchFile)
		wantText(t, c, at("a"), "a")
		wantText(t, c, at("b"), "b")
		ok(t, c.Symlink(at("none"), at("dangling")))
		wantCode(t, "a file onto a dangling symlink", c.Rename(at("a"), at("dangling")), fxFailure)
		wantCode(t, "a directory onto a dangling symlink", c.Rename(at("dir"), at("dangling")), fxNoSuchFile)
		ok(t, c.Rename(at("a"), at("c")))
		wantGone(t, c, at("a"))
		wantText(t, c, at("c"), "a")
		ok(t, c.Rename(at("dir"), at("dir2")))
		wantGone(t, c, at("dir"))
	})
}

func TestOpenFlags(t *testing.T) {
	onBoth(t, func(t *testing.T, h host) {
		c := h.client(t)
		at := func(name string) string { return h.root + "/" + name }
		open := func(name string, flags int) error {
			f, err := c.OpenFile(at(name), flags)
			if err == nil {
				f.Close()
			}
			return err
		}
		ok(t, put(t, c, at("f"), "text").Close())
		ok(t, c.Symlink(at("made"), at("dangling")))
		ok(t, c.Mkdir(at("dir")))
		ok(t, c.Symlink(at("loop"), at("loop")))
		for _, x := range []struct {
			what  string
			name  string
			flags int
			want  uint32
		}{
			{"missing", "none", os.O_RDONLY, fxNoSuchFile},
			{"below a file", "f/x", os.O_RDONLY, fxNoSuchFile},
			{"exclusive, exists", "f", os.O_WRONLY | os.O_CREATE | os.O_EXCL, fxFailure},
			{"exclusive, dangling symlink", "dangling", os.O_WRONLY | os.O_CREATE | os.O_EXCL, fxFailure},
			{"exclusive, free", "free", os.O_WRONLY | os.O_CREATE | os.O_EXCL, fxOK},
			{"create through a dangling symlink", "dangling", os.O_WRONLY | os.O_CREATE, fxOK},
			{"that made its target", "made", os.O_RDONLY, fxOK},
			{"a directory for writing", "dir", os.O_WRONLY, fxFailure},
			{"a directory for creating", "dir", os.O_RDWR | os.O_CREATE, fxFailure},
			{"a directory for reading", "dir", os.O_RDONLY, fxOK},
			{"a symlink to itself", "loop", os.O_RDONLY, fxNoSuchFile},
			{"create in a missing directory", "none/x", os.O_WRONLY | os.O_CREATE, fxNoSuchFile},
			{"a name of 255 bytes", strings.Repeat("n", 255), os.O_WRONLY | os.O_CREATE, fxOK},
			{"a name of 256 bytes", strings.Repeat("n", 256), os.O_WRONLY | os.O_CREATE, fxBadMessage},
			{"a path of 5,000 bytes", strings.Repeat("n/", 2500), os.O_RDONLY, fxBadMessage},
		} {
			wantCode(t, x.what, open(x.name, x.flags), x.want)
		}
		wantText(t, c, at("f"), "text")

		r := must(c.Open(at("f")))(t)
		_, err := r.WriteAt([]byte("x"), 0)
		wantCode(t, "write to a file open for reading", err, fxNoSuchFile)
		wantCode(t, "truncate a file open for reading", r.Truncate(0), fxBadMessage)
		w := must(c.OpenFile(at("f"), os.O_WRONLY))(t)
		_, err = w.ReadAt(make([]byte, 1), 0)
		wantCode(t, "read from a file open for writing", err, fxNoSuchFile)
		dir := must(c.Open(at("dir")))(t)
		_, err = dir.ReadAt(make([]byte, 1), 0)
		wantCode(t, "read from a directory", err, fxFailure)
		wantCode(t, "sync of a directory", dir.Sync(), fxOK)

		a := must(c.OpenFile(at("f"), os.O_WRONLY|os.O_APPEND))(t)
		must(a.WriteAt([]byte(" more"), 0))(t)
		wantText(t, c, at("f"), "text more")
		ok(t, open("f", os.O_WRONLY|os.O_TRUNC))
		wantText(t, c, at("f"), "")
	})
}

func TestDirectories(t *testing.T) {
	onBoth(t, func(t *testing.T, h host) {
		c := h.client(t)
		at := func(name string) string { return h.root + "/" + name }
		ok(t, c.Mkdir(at("d")))
		ok(t, put(t, c, at("f"), "").Close())
		wantCode(t, "mkdir again", c.Mkdir(at("d")), fxFailure)
		wantCode(t, "mkdir below nothing", c.Mkdir(at("none/d")), fxNoSuchFile)
		wantCode(t, "mkdir below a file", c.Mkdir(at("f/d")), fxNoSuchFile)
		wantCode(t, "rmdir of a file", c.RemoveDirectory(at("f")), fxNoSuchFile)
		want := map[string]bool{}
		for i := range 250 {
			name := fmt.Sprintf("name %03d é", i)
			want[name] = true
			ok(t, put(t, c, at("d/"+name), "x").Close())
		}
		for _, fi := range must(c.ReadDir(at("d")))(t) {
			if !want[fi.Name()] || fi.Size() != 1 || !fi.Mode().IsRegular() {
				t.Errorf("unexpected %q, %d bytes, %v", fi.Name(), fi.Size(), fi.Mode())
			}
			delete(want, fi.Name())
		}
		if len(want) > 0 {
			t.Errorf("%d names are missing", len(want))
		}
		wantCode(t, "rmdir of a directory that is not empty", c.RemoveDirectory(at("d")), fxFailure)
		_, err := c.ReadDir(at("f"))
		wantCode(t, "list a file", err, fxNoSuchFile)
		for name := range 250 {
			ok(t, c.Remove(at(fmt.Sprintf("d/name %03d é", name))))
		}
		ok(t, c.RemoveDirectory(at("d")))
		wantGone(t, c, at("d"))
	})
}

func TestSymlinks(t *testing.T) {
	onBoth(t, func(t *testing.T, h host) {
		c := h.client(t)
		at := func(name string) string { return h.root + "/" + name }
		ok(t, c.Mkdir(at("d")))
		ok(t, c.Mkdir(at("d/e")))
		ok(t, put(t, c, at("d/f"), "text").Close())
		ok(t, c.Symlink("d", at("rel")))
		ok(t, c.Symlink(at("d/f"), at("abs")))
		ok(t, c.Symlink("../../d/f", at("d/e/up")))
		wantCode(t, "symlink onto a name that exists", c.Symlink("x", at("rel")), fxFailure)
		wantText(t, c, at("rel/f"), "text")
		wantText(t, c, at("rel/../abs"), "text")
		wantText(t, c, at("rel/e/up"), "text")
		if fi := must(c.Lstat(at("rel")))(t); fi.Mode()&fs.ModeSymlink == 0 || fi.Size() != 1 {
			t.Errorf("lstat: %v, %d bytes", fi.Mode(), fi.Size())
		}
		if fi := must(c.Stat(at("rel")))(t); !fi.IsDir() {
			t.Errorf("stat: %v", fi.Mode())
		}
		_, err := c.ReadLink(at("d"))
		wantCode(t, "readlink of a directory", err, fxBadMessage)
		for from, want := range map[string]string{
			"rel/e/../f": "d/f", "abs": "d/f", "rel/free": "d/free", "./d//e/": "d/e", "d/e/up": "d/f",
		} {
			if got := must(c.RealPath(at(from)))(t); got != at(want) {
				t.Errorf("real path of %s: %s, want %s", from, got, at(want))
			}
		}
		_, err = c.RealPath(at("none/none"))
		wantCode(t, "real path below nothing", err, fxNoSuchFile)
		ok(t, c.Remove(at("rel")))
		wantText(t, c, at("d/f"), "text")
	})
}

func TestAttributes(t *testing.T) {
	onBoth(t, func(t *testing.T, h host) {
		c := h.client(t)
		f := put(t, c, h.root+"/f", "text")
		mode := func() fs.FileMode { return must(c.Stat(h.root + "/f"))(t).Mode() }
		if mode() != 0o644 {
			t.Errorf("a new file has mode %v", mode())
		}
		ok(t, c.Mkdir(h.root+"/d"))
		if m := must(c.Stat(h.root + "/d"))(t).Mode(); m != fs.ModeDir|0o755 {
			t.Errorf("a new directory has mode %v", m)
		}
		ok(t, c.Chmod(h.root+"/f", 0o600))
		if mode() != 0o600 {
			t.Errorf("after chmod: %v", mode())
		}
		ok(t, f.Chmod(0o640))
		when := time.Unix(1_234_567_890, 0)
		ok(t, c.Chtimes(h.root+"/f", when, when))
		ok(t, f.Truncate(2))
		ok(t, c.Truncate(h.root+"/f", 6))
		wantHandle(t, f, "te\x00\x00\x00\x00")
		ok(t, c.Chtimes(h.root+"/f", when, when))
		fi := must(f.Stat())(t)
		if fi.Mode() != 0o640 || !fi.ModTime().Equal(when) || fi.Size() != 6 {
			t.Errorf("fstat: %v, %v, %d bytes", fi.Mode(), fi.ModTime(), fi.Size())
		}
		must(f.WriteAt([]byte("x"), 0))(t)
		if fi := must(f.Stat())(t); fi.ModTime().Equal(when) {
			t.Error("a write left the mtime alone")
		}
		wantCode(t, "chmod of nothing", c.Chmod(h.root+"/none", 0o600), fxNoSuchFile)
		wantCode(t, "truncate of a directory", c.Truncate(h.root+"/d", 0), fxFailure)
	})
}

func TestSparseAndLargeWrites(t *testing.T) {
	onBoth(t, func(t *testing.T, h host) {
		c := h.client(t)
		f := put(t, c, h.root+"/f", "")
		const far = 5<<30 + 7
		must(f.WriteAt([]byte("far"), far))(t)
		b := make([]byte, 10)
		if n, err := f.ReadAt(b, far-4); n != 7 || err != io.EOF || string(b[:n]) != "\x00\x00\x00\x00far" {
			t.Errorf("read %q, %v", b[:n], err)
		}
		if fi := must(f.Stat())(t); fi.Size() != far+3 {
			t.Errorf("size %d, want %d", fi.Size(), far+3)
		}
		ok(t, f.Truncate(0))
		text := strings.Repeat("0123456789abcdef", 100_000)
		must(f.ReadFromWithConcurrency(strings.NewReader(text), 16))(t)
		got := must(io.ReadAll(must(c.Open(h.root + "/f"))(t)))(t)
		if string(got) != text {
			t.Errorf("%d bytes came back other than written", len(got))
		}
		if v := must(c.StatVFS(h.root))(t); v.FreeSpace() == 0 || v.Namemax != 255 {
			t.Errorf("statvfs: %+v", v)
		}
	})
}
