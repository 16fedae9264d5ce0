package page_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	wait "sftpgate/remote/remotetest/await"
)

// A large file is sent in chunks, and a folder of many arrives whole, without what
// operating systems leave there for themselves. Where files went and what they are is said
// and can be copied.
func TestFileAndFolder(t *testing.T) {
	t.Parallel()
	s := serve(t, 0)
	o := desktop()
	o.Permissions = []string{"clipboard-read", "clipboard-write"}
	v := s.visit(o)
	v.whole()

	large := source(t, "disk.img", size())
	v.send(large)
	v.See(row("disk.img", "sending", "merging", "done"))
	v.See(row("disk.img", "done"))
	v.arrived(large)
	v.Click(row("disk.img", "done") + " " + labelled("Copy path: disk.img"))
	v.copied(filepath.Join(v.dir, "disk.img"))
	v.shows(large)
	v.Click(row("disk.img", "done") + " " + labelled("Copy SHA-256: disk.img"))
	v.copied(sum(t, large))
	v.whole()

	folder := filepath.Join(t.TempDir(), "photos")
	const many = 200
	for i := range many {
		dir := filepath.Join(folder, fmt.Sprint("day ", i%7))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, fmt.Sprintf("%03d.jpg", i)), int64(i*100))
	}
	for _, junk := range []string{".DS_Store", "day 1/Thumbs.db"} {
		write(t, filepath.Join(folder, junk), 10)
	}
	v.PickByClick(button("Choose folder"), folder)
	v.See(counted(201, 201))
	v.See(`sftpgate-upload >> text=2 system files were left out`)
	v.sameTree(folder, many)
	v.whole()

	v.Click(button("Clear finished"))
	v.Gone(row("disk.img"))
	v.See(finished(filepath.Join(v.dir, "photos")))
	v.Reload()
	if slices.Contains(v.Said(), leaving) {
		t.Error("there was a warning although nothing is under way")
	}
	v.See(finished(filepath.Join(v.dir, "photos")))
	v.whole()
}

// Files and folders can be dropped on the element and anywhere on the page. Dropped again after
// they have arrived, no bytes are taken again: a large file is asked about, and a small one the
// gateway knows by its digest to be there.
func TestDrop(t *testing.T) {
	t.Parallel()
	s := serve(t, 0)
	v := s.visit(desktop())
	folder := filepath.Join(t.TempDir(), "notes")
	for _, dir := range []string{"", "a", "a/b"} {
		if err := os.MkdirAll(filepath.Join(folder, dir), 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(folder, dir, "x.txt"), 1000)
	}
	v.Drop("sftpgate-upload", folder, source(t, "one.txt", 3))
	v.See(counted(4, 4))
	v.sameTree(folder, 3)
	v.Drop("#directory", source(t, "two.txt", 3))
	v.See(row("two.txt", "done"))
	v.holds("notes", "one.txt", "two.txt")
	v.whole()

	large := source(t, "disk.img", 5*mib)
	v.Drop("sftpgate-upload", large)
	v.See(row("disk.img", "done"))
	v.Click(button("Clear finished"))
	before := s.sent()
	v.Drop("sftpgate-upload", folder, large)
	v.See(dialog + `:has-text("disk.img")`)
	v.Click(dialog + " " + button("Skip"))
	v.See(row("disk.img", "skipped"))
	v.See(counted(3, 4))
	v.arrived(large)
	v.sameTree(folder, 3)
	if n := s.sent() - before; n > 3*1000 { // the small files may have left before they were known
		t.Errorf("%d bytes were taken again", n)
	}
	v.whole("status of 409")
}

// A folder that is dropped once more while its files are in the queue is not sent twice, and
// that is said; so is that there is nothing to send in an empty one. What was given up stays
// so until it is tried again by itself.
func TestDropTwice(t *testing.T) {
	t.Parallel()
	s := serve(t, slow)
	v := s.visit(desktop())
	folder := filepath.Join(t.TempDir(), "images")
	mkdir(t, filepath.Join(folder, "void"))
	sparse(t, filepath.Join(folder, "disk.img"), 4<<30)
	notice := func(text string) string { return fmt.Sprintf("sftpgate-upload [part=notice]:has-text(%q)", text) }
	v.Drop("sftpgate-upload", folder)
	v.See(row("disk.img", "sending"))
	v.See(notice("Nothing to send in empty folders: images/void"))
	v.Gone(notice("Not added"))
	v.Drop("sftpgate-upload", folder)
	v.See(notice("the queue holds the same place already: images/disk.img"))
	v.See(counted(0, 1))
	v.whole()
	v.Click("sftpgate-upload " + button("Dismiss"))
	v.Drop("sftpgate-upload", filepath.Join(folder, "void"))
	v.See(notice("Nothing to send in empty folders: void"))

	v.Click(button("Cancel all"))
	v.See(row("disk.img", "cancelled"))
	v.See(button("Retry all") + "[aria-disabled]")
	v.Drop("sftpgate-upload", source(t, "a.txt", 3))
	s.hurry()
	v.See(row("a.txt", "done"))
	v.See(row("disk.img", "cancelled"))
	v.whole(away)
}

// What is shown to be pasted into a shell can be copied.
func TestCommandsAreCopied(t *testing.T) {
	t.Parallel()
	s := serve(t, 0)
	o := desktop()
	o.Permissions = []string{"clipboard-read", "clipboard-write"}
	v := s.visit(o)
	v.Click(".script summary")
	for n := 1; n <= 3; n++ {
		code := fmt.Sprintf(".script pre >> nth=%d", n-1)
		v.Click(fmt.Sprintf(`.script sg-command-copy >> nth=%d >> button`, n-1))
		v.inClipboard(v.Text(code))
	}
	v.Click(labelled("Copy: The hosts and what they can do"))
	v.inClipboard(v.Text(".script pre >> nth=0"))
	v.whole()
}

// copied: the file's row says so, and this is in the clipboard.
func (v *visit) copied(text string) {
	v.t.Helper()
	v.See(`sftpgate-upload [role=status]:has-text("Copied")`)
	v.inClipboard(text)
}

func (v *visit) inClipboard(text string) {
	v.t.Helper()
	wait.Until(v.t, text+" to be copied", func() bool {
		var got string
		v.Evaluate("navigator.clipboard.readText()", &got)
		return got == text
	})
}

// shows: the row of a file that is done says its SHA-256, as it was checked on the host.
func (v *visit) shows(file string) {
	v.t.Helper()
	v.See(fmt.Sprintf("%s [part=result] bdi:text-is(%q)", row(filepath.Base(file), "done"), sum(v.t, file)))
}

// sameTree: the files of a folder have arrived, so many of them, and no others.
func (v *visit) sameTree(folder string, many int) {
	v.t.Helper()
	sent, arrived := tree(v.t, folder), tree(v.t, filepath.Join(v.dir, filepath.Base(folder)))
	for name := range sent {
		if base := filepath.Base(name); base == ".DS_Store" || base == "Thumbs.db" {
			delete(sent, name)
		}
	}
	for name, digest := range sent {
		if arrived[name] != digest {
			v.t.Errorf("%s is not what was sent", name)
		}
	}
	if len(sent) != many || len(arrived) != many {
		v.t.Errorf("%d files were sent, %d have arrived", len(sent), len(arrived))
	}
}

// tree are the digests of all files below a directory.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			all[strings.TrimPrefix(path, dir)] = sum(t, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
