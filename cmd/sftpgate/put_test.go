package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"sftpgate/remote/hosts"
	"sftpgate/remote/remotetest"
	wait "sftpgate/remote/remotetest/await"
)

// yard is a gateway before a real sshd, and a directory of files to send.
type yard struct {
	t    *testing.T
	sshd *remotetest.SSHD
	base string
	root string // on the host
	dir  string // of the files
}

// yardOf has a host for each id; they are one machine, and each has a directory of its own
// for its root.
func yardOf(t *testing.T, ids ...string) *yard {
	t.Helper()
	sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	var all []hosts.Host
	for _, id := range ids {
		all = append(all, sshd.Host(id))
	}
	_, base := servingBy(t, sftpgate, nil, "--hosts", yamlOf(t, all...), "--state", t.TempDir())
	return &yard{t: t, sshd: sshd, base: base, root: sshd.Root, dir: t.TempDir()}
}

// file makes a file to send.
func (y *yard) file(name string, content []byte) string {
	y.t.Helper()
	path := filepath.Join(y.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		y.t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		y.t.Fatal(err)
	}
	return path
}

// has reports whether a file on the host has this content.
func (y *yard) has(name string, content []byte) {
	y.t.Helper()
	got, err := os.ReadFile(filepath.Join(y.root, name))
	if err != nil || !bytes.Equal(got, content) {
		y.t.Errorf("%s on the host: %d bytes, %v; want %d bytes", name, len(got), err, len(content))
	}
}

func (y *yard) env() []string {
	return []string{"SFTPGATE_URL=" + y.base, "XDG_CONFIG_HOME=" + y.dir}
}

// run runs a command line to its end. Its output is a pipe.
func (y *yard) run(in io.Reader, args ...string) (stdout, stderr string, status int) {
	y.t.Helper()
	cmd := exec.CommandContext(wait.Context(y.t), sftpgate.path(y.t), args...)
	cmd.Env = append(cleanEnv(), y.env()...)
	cmd.Dir, cmd.Stdin = y.dir, in
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		y.t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// put runs put, expects the exit status and gives what it said.
func (y *yard) put(status int, args ...string) string {
	y.t.Helper()
	out, errs, got := y.run(nil, append([]string{"put"}, args...)...)
	if got != status {
		y.t.Errorf("put %q: status %d, want %d\n%s%s", args, got, status, out, errs)
	}
	if strings.ContainsAny(out+errs, "\r\x1b\b") {
		y.t.Errorf("put %q: control characters in a pipe: %q", args, out+errs)
	}
	return out + errs
}

// eventsIn reads the lines of --json.
func eventsIn(t *testing.T, text string) (all []event) {
	t.Helper()
	for line := range strings.Lines(text) {
		var e event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			if strings.HasSuffix(line, "\n") {
				t.Fatalf("%v in %q", err, line)
			}
			break // it is still being written
		}
		all = append(all, e)
	}
	return all
}

func kinds(all []event) (names string) {
	for _, e := range all {
		if !strings.HasSuffix(names, e.Event+" ") {
			names += e.Event + " "
		}
	}
	return names
}

func TestPutOneFile(t *testing.T) {
	t.Parallel()
	y := yardOf(t, "web-1")
	small, large := pieceOf(1, 1000), pieceOf(2, 5*mib+7)
	y.file("small", small)
	y.file("large", large)
	for _, c := range []struct {
		args []string
		name string
		want []byte
	}{
		{[]string{"small", "web-1:" + y.root + "/"}, "small", small},
		{[]string{"small", "web-1:" + y.root + "/other"}, "other", small},
		{[]string{"small", "web-1:" + y.root + "/", "--name", "third one"}, "third one", small},
		{[]string{"large", "web-1:" + y.root + "/", "--chunk-size", "1MiB"}, "large", large},
		{[]string{"large", "web-1:" + y.root + "/made/deep/", "--checksum", "--make-dirs"}, "made/deep/large", large},
	} {
		said := y.put(exitOK, c.args...)
		if !strings.Contains(said, c.args[0]+": sent to web-1:") {
			t.Errorf("%v: %s", c.args, said)
		}
		y.has(c.name, c.want)
	}
	if said := y.put(exitOK, "-q", "small", "web-1:"+y.root+"/quiet"); said != "" {
		t.Errorf("quietly: %s", said)
	}
}

func TestPutKeepsTimeAndMode(t *testing.T) {
	t.Parallel()
	y := yardOf(t, "web-1")
	at := time.Date(2020, 2, 3, 4, 5, 6, 0, time.UTC)
	for _, size := range []int{10, 5 * mib} {
		name := y.file(fmt.Sprint(size), pieceOf(size, size))
		if err := errors.Join(os.Chmod(name, 0o640), os.Chtimes(name, at, at)); err != nil {
			t.Fatal(err)
		}
		y.put(exitOK, "--preserve", name, "web-1:"+y.root+"/")
		info, err := os.Stat(filepath.Join(y.root, fmt.Sprint(size)))
		if err != nil || !info.ModTime().Equal(at) || info.Mode().Perm() != 0o640 {
			t.Errorf("%v, %v", info, err)
		}
	}
	y.put(exitOK, "--mode", "0604", "10", "web-1:"+y.root+"/moded")
	if info, err := os.Stat(filepath.Join(y.root, "moded")); err != nil || info.Mode().Perm() != 0o604 {
		t.Errorf("%v, %v", info, err)
	}
}

// begun starts put in a way that it does not come to its end, and waits until a chunk is safe.
func (y *yard) begun(args ...string) *process {
	y.t.Helper()
	p := startBinary(y.t, sftpgate, y.env(), append([]string{"put", "--json", "--bwlimit", "512KiB", "--parallel", "1", "--chunk-size", "512KiB"}, args...)...)
	p.poll("a chunk to be safe", func() bool {
		for _, e := range eventsIn(y.t, p.stdout.String()) {
			if e.Event == "progress" && *e.Safe > 0 {
				return true
			}
		}
		return false
	})
	return p
}

func TestPutResumesAfterAKill(t *testing.T) {
	t.Parallel()
	y := yardOf(t, "web-1")
	content := pieceOf(3, 16*mib)
	name := y.file("disk.img", content)
	y.begun(name, "web-1:"+y.root+"/").kill()
	out, _, status := y.run(nil, "put", "--json", name, "web-1:"+y.root+"/")
	all := eventsIn(t, out)
	if status != exitOK || kinds(all) != "opened progress sent summary " {
		t.Fatalf("%d %s", status, out)
	}
	if first := all[0]; !first.Resumed || first.Upload.ReceivedBytes < mib/2 || *first.Upload.ChunkSize != mib/2 {
		t.Errorf("it does not go on: %+v", first.Upload)
	}
	if sum := all[len(all)-1].Hosts["web-1"]; sum != (results{Sent: 1, Bytes: 16 * mib}) {
		t.Errorf("%+v", sum)
	}
	y.has("disk.img", content)
}

func TestPutInterrupted(t *testing.T) {
	t.Parallel()
	y := yardOf(t, "web-1")
	content := pieceOf(4, 16*mib)
	name := y.file("it's.img", content)
	p := y.begun(name, "web-1:"+y.root+"/")
	if status := p.stop(syscall.SIGINT); status != exitInterrupted {
		t.Errorf("status %d", status)
	}
	_, command, found := strings.Cut(p.stderr.String(), "To continue:\n  sftpgate ")
	if !found || exists(filepath.Join(y.root, "it's.img")) {
		t.Fatal(p.stderr.String())
	}
	script := exec.CommandContext(wait.Context(t), "sh", "-c", `"$0" `+strings.Replace(command, "--bwlimit 512KiB", "", 1), sftpgate.path(t))
	script.Env = append(cleanEnv(), y.env()...)
	out, err := script.CombinedOutput()
	if err != nil || !strings.Contains(string(out), `"resumed":true`) {
		t.Errorf("%v\n%s\n%s", err, command, out)
	}
	y.has("it's.img", content)
}

func TestPutFolders(t *testing.T) {
	t.Parallel()
	y := yardOf(t, "web-1")
	want := map[string][]byte{}
	for i := range 20 {
		name := fmt.Sprintf("site/%d/%d.txt", i%3, i)
		want[name] = pieceOf(i, i*100)
		y.file(name, want[name])
	}
	want["site/large.bin"] = pieceOf(5, 5*mib)
	y.file("site/large.bin", want["site/large.bin"])
	y.put(exitUsage, "site", "web-1:"+y.root+"/")
	if said := y.put(exitOK, "-r", "site/", "web-1:"+y.root+"/"); !strings.Contains(said, "21 files to web-1") {
		t.Error(said)
	}
	for name, content := range want {
		y.has(name, content)
	}
	// Sent once more, what was there is skipped.
	if said := y.put(exitOK, "-r", "--if-exists", "skip", "--json", "site", "web-1:"+y.root+"/"); strings.Contains(said, `"failed"`) && !strings.Contains(said, `"failed":0`) {
		t.Error(said)
	}
	left := 0
	_ = filepath.WalkDir(y.root, func(_ string, d fs.DirEntry, _ error) error {
		if strings.HasSuffix(d.Name(), ".sftpgate") {
			left++
		}
		return nil
	})
	if left > 0 {
		t.Errorf("%d staging directories are left", left)
	}
}

func TestPutStandardInput(t *testing.T) {
	t.Parallel()
	y := yardOf(t, "web-1")
	for _, size := range []int{0, 5, 4 * mib, 9*mib + 1} {
		content := pieceOf(size, size)
		name := fmt.Sprint("piped-", size)
		if out, errs, status := y.run(bytes.NewReader(content), "put", "-", "web-1:"+y.root+"/"+name, "--chunk-size", "1MiB"); status != exitOK {
			t.Errorf("%d %s%s", status, out, errs)
		}
		y.has(name, content)
	}
	if _, errs, status := y.run(strings.NewReader("x"), "put", "-", "web-1:"+y.root+"/", "--name", "named"); status != exitOK {
		t.Errorf("%d %s", status, errs)
	}
	y.has("named", []byte("x"))
}
