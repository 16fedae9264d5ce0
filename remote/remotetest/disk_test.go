package remotetest

import (
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// script does operations of a client, one a line, and stops the test at one
// that fails:
//
//	create /a · write /a 3 text · truncate /a 2 · mkdir /d · rmdir /d · remove /a
//	rename /a /b · new /a /b (SSH_FXP_RENAME) · link /a /b · fsync /a · chmod /a 600
//	local /a text (WriteFile)
func script(t *testing.T, d *Disk, text string) {
	t.Helper()
	s := &server{disk: d, options: ServerOptions{Client: "c"}}
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		if err := scriptLine(d, s, strings.Fields(line)); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
	}
}

func scriptLine(d *Disk, s *server, f []string) error {
	op := Op{Client: "c", Kind: Kind(f[0]), Path: f[1]}
	switch f[0] {
	case "local":
		return d.WriteFile(f[1], []byte(f[2]))
	case "new":
		_, err := s.rename(f[1], f[2]).do(0)
		return err
	case "rename", "link":
		op.Path2 = f[2]
	case "write", "truncate", "fsync", "chmod":
		e, err := d.Lookup(f[1])
		if err != nil {
			return err
		}
		op.Inode = e.Inode
		switch f[0] {
		case "write":
			op.Off, _ = strconv.ParseInt(f[2], 10, 64)
			op.Data, op.Len = []byte(f[3]), int64(len(f[3]))
		case "truncate":
			op.Len, _ = strconv.ParseInt(f[2], 10, 64)
		case "chmod":
			n, _ := strconv.ParseUint(f[2], 8, 32)
			mode := uint32(n)
			op.Kind, op.Attrs.Mode = Setstat, &mode
		}
	}
	return d.do(&op)
}

// brief is the disk as "path=text path=text dir/".
func brief(d *Disk) string {
	all := d.Snapshot()
	var b []string
	for _, p := range slices.Sorted(maps.Keys(all)) {
		if e := all[p]; e.Mode.IsDir() {
			b = append(b, p+"/")
		} else {
			b = append(b, p+"="+string(e.Data))
		}
	}
	return strings.Join(b, " ")
}

func TestPowerCutDropsWhatWasNotSynced(t *testing.T) {
	for _, x := range []struct{ name, script, want string }{
		{"nothing synced", "create /a\nwrite /a 0 text", ""},
		{"content without name", "create /a\nwrite /a 0 text\nfsync /a", ""},
		{"name without content", "create /a\nwrite /a 0 text\nfsync /", "/a="},
		{"both", "create /a\nwrite /a 0 text\nfsync /a\nfsync /", "/a=text"},
		{"name before content", "create /a\nfsync /\nwrite /a 0 text\nfsync /a", "/a=text"},
		{"a change after the sync", "create /a\nwrite /a 0 text\nfsync /a\nfsync /\nwrite /a 0 T\nwrite /a 4 more", "/a=text"},
		{"a truncation after the sync", "create /a\nwrite /a 0 text\nfsync /a\nfsync /\ntruncate /a 1", "/a=text"},
		{"a truncation synced", "create /a\nwrite /a 0 text\ntruncate /a 1\ntruncate /a 3\nfsync /a\nfsync /", "/a=t\x00\x00"},
		{"a directory not in its parent", "mkdir /d\ncreate /d/a\nwrite /d/a 0 text\nfsync /d/a\nfsync /d", ""},
		{"a directory in its parent", "mkdir /d\ncreate /d/a\nwrite /d/a 0 text\nfsync /d/a\nfsync /", "/d/"},
		{"all the way", "mkdir /d\ncreate /d/a\nwrite /d/a 0 text\nfsync /d/a\nfsync /d\nfsync /", "/d/ /d/a=text"},
		{"an unlink", "local /a text\nremove /a", "/a=text"},
		{"an unlink synced", "local /a text\nremove /a\nfsync /", ""},
		{"a replacement", "local /a old\nlocal /b new\nrename /b /a", "/a=old /b=new"},
		{"a replacement synced", "local /a old\nlocal /b new\nrename /b /a\nfsync /", "/a=new"},
		{"a move, only the new directory synced", "local /d/a text\nlocal /e/x x\nrename /d/a /e/a\nfsync /e", "/d/ /d/a=text /e/ /e/a=text /e/x=x"},
		{"a move, only the old directory synced", "local /d/a text\nlocal /e/x x\nrename /d/a /e/a\nfsync /d", "/d/ /e/ /e/a=text /e/x=x"},
		{"a move, the old directory gone", "local /d/a text\nrename /d/a /a\nrmdir /d\nfsync /", "/a=text"},
		{"a move on", "local /d/a text\nlocal /e/x x\nrename /d/a /e/a\nrename /e/a /e/b\nrename /e/b /c\nfsync /d", "/c=text /d/ /e/ /e/x=x"},
		{"there and back and away", "local /d/a text\nlocal /e/x x\nrename /d/a /e/a\nrename /e/a /d/a\nremove /d/a\nfsync /d", "/d/ /e/ /e/x=x"},
		{"SSH_FXP_RENAME, the old directory synced", "local /d/a text\nlocal /e/x x\nnew /d/a /e/a\nfsync /d", "/d/ /e/ /e/a=text /e/x=x"},
		{"a link", "local /a text\nlink /a /b", "/a=text"},
		{"a link synced", "local /a text\nlink /a /b\nfsync /", "/a=text /b=text"},
		{"a change under a link's name", "local /a text\nlink /a /b\nfsync /\nwrite /b 0 T\nfsync /b", "/a=Text /b=Text"},
		{"a directory moved, both names found", "local /d/a text\nlocal /e/x x\nrename /d /e/d\nfsync /e", "/e/ /e/d/ /e/d/a=text /e/x=x"},
		{"a directory onto an empty one", "local /d/a text\nmkdir /e\nfsync /\nrename /d /e\nfsync /", "/e/ /e/a=text"},
		{"a mode", "local /a text\nchmod /a 600\nfsync /", "/a=text"},
	} {
		t.Run(x.name, func(t *testing.T) {
			d := NewDisk()
			script(t, d, x.script)
			n := len(d.Log())
			if got := brief(d.At(n, DropUnsynced)); got != x.want {
				t.Errorf("after the cut %q, want %q", got, x.want)
			}
			if got, want := d.At(n, KeepAll).Tree(), d.Tree(); got != want {
				t.Errorf("with all kept\n%swant\n%s", got, want)
			}
		})
	}
}

func TestPowerCutModeAndTwice(t *testing.T) {
	d := NewDisk()
	script(t, d, "local /a text\nchmod /a 600")
	if e, _ := d.At(2, DropUnsynced).Lookup("/a"); e.Mode != 0o644 {
		t.Errorf("mode %v after the cut, want the synced one", e.Mode)
	}
	script(t, d, "fsync /a")
	after := d.At(3, DropUnsynced)
	if e, _ := after.Lookup("/a"); e.Mode != 0o600 {
		t.Errorf("mode %v after the cut, want the synced one", e.Mode)
	}
	if n := len(after.Log()); n != 0 {
		t.Errorf("the disk after the cut has a log of %d", n)
	}
	script(t, after, "write /a 4 more\ncreate /b")
	if got := brief(after.At(2, DropUnsynced)); got != "/a=text" {
		t.Errorf("after the second cut %q", got)
	}
	if got := brief(after); got != "/a=textmore /b=" {
		t.Errorf("the second cut changed the disk: %q", got)
	}
	if got := brief(d); got != "/a=text" {
		t.Errorf("a disk after the cut shares bytes with the one before: %q", got)
	}
}

func TestKeepRandomKeepsPartsOfAFileAndTheSameForASeed(t *testing.T) {
	d := NewDisk()
	ok(t, d.WriteFile("/f", []byte(strings.Repeat("o", 4*sectorSize))))
	script(t, d, "write /f 0 "+strings.Repeat("n", 6*sectorSize))
	kinds := map[string]int{}
	for seed := range uint64(200) {
		b := must(d.At(2, KeepRandom(seed)).ReadFile("/f"))(t)
		if again := must(d.At(2, KeepRandom(seed)).ReadFile("/f"))(t); string(again) != string(b) {
			t.Fatalf("seed %d gives two results", seed)
		}
		old, fresh := strings.Count(string(b), "o"), strings.Count(string(b), "n")
		switch {
		case old%sectorSize != 0 || fresh%sectorSize != 0:
			t.Fatalf("seed %d tore a sector", seed)
		case len(b) == 4*sectorSize && fresh == 0:
			kinds["old"]++
		case len(b) == 6*sectorSize && fresh == len(b):
			kinds["new"]++
		case len(b) == 6*sectorSize:
			kinds["torn"]++
		default:
			t.Fatalf("seed %d: %d bytes, %d old, %d new", seed, len(b), old, fresh)
		}
	}
	if kinds["old"] < 20 || kinds["new"] < 20 || kinds["torn"] < 20 {
		t.Errorf("of 200 cuts: %v", kinds)
	}
}

// TestPowerCutProperties does random operations and checks after each one what
// must hold after every cut there.
func TestPowerCutProperties(t *testing.T) {
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 1))
		d := NewDisk()
		ok(t, d.MkdirAll("/d"))
		ok(t, d.MkdirAll("/e"))
		w := &walker{d: d, rng: rng, s: &server{disk: d}, safe: map[uint64]string{}}
		for range 60 {
			w.step()
			n := len(d.Log())
			for _, k := range []Keep{KeepAll, DropUnsynced, KeepRandom(rng.Uint64()), KeepRandom(rng.Uint64())} {
				after := d.At(n, k)
				w.check(t, after, fmt.Sprintf("seed %d, %d operations, %+v", seed, n, k))
			}
			if t.Failed() {
				for _, op := range d.Log() {
					t.Log(op)
				}
				return
			}
		}
		script(t, d, "fsync /")
		for p := range d.Snapshot() {
			script(t, d, "fsync "+p)
		}
		if got, want := d.At(len(d.Log()), DropUnsynced).Tree(), d.Tree(); got != want {
			t.Fatalf("seed %d: all was synced, yet the cut left\n%sof\n%s", seed, got, want)
		}
	}
}

// walker knows which files no cut may take: synced with their names, and since
// then only renamed.
type walker struct {
	d    *Disk
	s    *server
	rng  *rand.Rand
	safe map[uint64]string // inode → synced text
}

func (w *walker) name() string {
	return []string{"/", "/d/", "/e/", "/n/", "/d/n/"}[w.rng.IntN(5)] + string(rune('p'+w.rng.IntN(4)))
}

func (w *walker) step() {
	a, b := w.name(), w.name()
	at, _ := w.d.Lookup(a)
	over, overErr := w.d.Lookup(b)
	run := func(line string) bool { return scriptLine(w.d, w.s, strings.Fields(line)) == nil }
	switch w.rng.IntN(10) {
	case 0, 1: // a file made durable
		if run("create " + a) {
			run("write " + a + " 0 text" + a)
			run("fsync " + a)
			dir := a[:strings.LastIndex(a, "/")+1]
			run("fsync " + dir)
			e, _ := w.d.Lookup(a)
			if !strings.Contains(a, "/n/") { // whose own name may not stay
				w.safe[e.Inode] = "text" + a
			}
		}
	case 2:
		run("create " + a)
	case 3, 4:
		if run("rename "+a+" "+b) && overErr == nil && over.Inode != at.Inode {
			delete(w.safe, over.Inode)
		}
	case 5:
		run("new " + a + " " + b)
	case 6:
		if w.rng.IntN(3) == 0 && run("remove "+a) {
			delete(w.safe, at.Inode)
		}
	case 7, 8:
		run("fsync " + []string{"/", "/d", "/e", "/n", "/d/n"}[w.rng.IntN(5)])
	case 9: // directories that come, move and go
		dirs := []string{"/n", "/d/n", "/e/n"}
		from, to := dirs[w.rng.IntN(3)], dirs[w.rng.IntN(3)]
		switch w.rng.IntN(3) {
		case 0:
			run("mkdir " + from)
		case 1:
			run("rename " + from + " " + to)
		case 2:
			run("rmdir " + from)
		}
	}
}

func (w *walker) check(t *testing.T, after *Disk, when string) {
	t.Helper()
	found := map[uint64]string{}
	for p, e := range after.Snapshot() {
		if e.Mode.Type() != 0 && e.Mode.Type() != fs.ModeDir {
			t.Errorf("%s: %s is %v", when, p, e.Mode)
		}
		found[e.Inode] = string(e.Data)
	}
	for inode, text := range w.safe {
		if got, there := found[inode]; !there || got != text {
			t.Errorf("%s: the durable file with %q is %q, there: %v", when, text, got, there)
		}
	}
}

func TestCapacity(t *testing.T) {
	d := NewDisk()
	ok(t, d.MkdirAll("/srv/files"))
	c := diskHost(d, ServerOptions{}).client(t)
	d.SetCapacity(10_000)
	f := put(t, c, "/srv/files/f", strings.Repeat("x", 6000))
	if got := d.UsedBytes(); got != 6000 {
		t.Errorf("%d bytes used, want 6000", got)
	}
	_, err := f.WriteAt([]byte(strings.Repeat("y", 6000)), 6000)
	wantCode(t, "a write beyond the capacity", err, fxFailure)
	if v := must(c.StatVFS("/srv/files"))(t); v.Bavail != 0 || v.Blocks != 2 {
		t.Errorf("statvfs: %+v", v)
	}
	must(f.WriteAt([]byte("in place"), 0))(t) // takes no space
	ok(t, c.Remove("/srv/files/f"))
	if got := d.UsedBytes(); got == 0 {
		t.Error("an open file's space was freed with its name")
	}
	ok(t, f.Close())
	if got := d.UsedBytes(); got != 0 {
		t.Errorf("%d bytes used after the last handle, want 0", got)
	}
	if got := d.PeakBytes(); got < 6000 || got > 10_000 {
		t.Errorf("peak %d", got)
	}
	replays(t, d)
	d.SetCapacity(-1)
	f = put(t, c, "/srv/files/f", strings.Repeat("x", 20_000))
	must(f.WriteAt([]byte("x"), 1<<32))(t)
	if got := d.UsedBytes(); got < 20_000 || got > 25_000 {
		t.Errorf("%d bytes used by a sparse file", got)
	}
	ok(t, c.Truncate("/srv/files/f", 100))
	if got := d.UsedBytes(); got != 100 {
		t.Errorf("%d bytes used after truncation, want 100", got)
	}
}
