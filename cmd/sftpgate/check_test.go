package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sftpgate/remote/remotetest"
)

// sections cuts the output of hosts check into the reports, by host.
func sections(out string) map[string]string {
	found := map[string]string{}
	for part := range strings.SplitSeq(out, "\n\n") {
		id, _, _ := strings.Cut(part, " ")
		found[id] = part
	}
	return found
}

func TestHostsCheck(t *testing.T) {
	sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	other := remotetest.StartSSHD(t, remotetest.SSHDOptions{ForceCommand: "internal-sftp"})
	old := remotetest.StartSSHD(t, remotetest.SSHDOptions{ForceCommand: "internal-sftp -P copy-data"})
	good, sftpOnly, slow, changed, locked, down, bare := sshd.Host("good"), other.Host("sftp-only"), old.Host("slow"), sshd.Host("changed"), sshd.Host("locked"), sshd.Host("down"), sshd.Host("bare")
	changed.HostKey = other.HostKey
	locked.KeyFile = other.KeyFile
	bare.Roots = []string{filepath.Join(sshd.Root, "missing")}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	down.Port = l.Addr().(*net.TCPAddr).Port
	l.Close()
	file := yamlOf(t, good, sftpOnly, slow, changed, locked, down, bare)

	out, errs, status := call(t, "hosts", "check", "--hosts", file)
	if status != 1 || errs != "" {
		t.Errorf("status %d, %s", status, errs)
	}
	got := sections(out)
	for id, wants := range map[string][]string{
		"good": {"ok    connection", "ok    root          " + sshd.Root + " is writable", "GiB free", "durability    full", "ok    engine        shell. It passed its self-test", "none is faster"},
		// Fine, and the better engine's reason to stay away is told.
		"sftp-only": {"ok    connection", "ok    engine        copy-data. It passed its self-test in " + other.Root, "Not shell: No shell: "},
		"slow":      {"warn  engine        stream: every byte crosses the network", "Not shell: No shell", "Not copy-data: Self-test", "Permission denied"},
		"changed":   {"FAIL  connection", "host key has changed", "SHA256:", "ssh-keyscan -p", "no credential was sent"},
		"locked":    {"FAIL  connection", "does not let user", locked.KeyFile, "authorized_keys"},
		"down":      {"FAIL  connection", "refused"},
		"bare":      {"ok    connection", "FAIL", "does not exist", "install -d"},
		"4":         {"4 of 7 hosts failed"},
	} {
		for _, want := range wants {
			if !strings.Contains(got[id], want) {
				t.Errorf("%s: no %q in\n%s", id, want, got[id])
			}
		}
	}
	if strings.Index(out, "good ") > strings.Index(out, "down ") {
		t.Errorf("not in the order of the file:\n%s", out)
	}
	for _, root := range []string{sshd.Root, other.Root, old.Root} {
		if left, _ := os.ReadDir(root); len(left) > 0 {
			t.Errorf("the check left %v behind", left)
		}
	}
	if t.Failed() {
		t.Log(out)
	}

	out, _, status = call(t, "hosts", "check", "--hosts", file, "good")
	if status != 0 || strings.Contains(out, "down") || !strings.HasSuffix(out, "1 host passed.\n") {
		t.Errorf("status %d\n%s", status, out)
	}
}
