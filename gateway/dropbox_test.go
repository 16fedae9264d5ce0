package gateway_test

import (
	"strings"
	"syscall"
	"testing"

	"sftpgate/gateway"
	"sftpgate/remote/remotetest"
)

// A directory that may be written and not read, as 0300 and 1733 are: files are
// published there, degraded and said so, and nothing is left behind.
func TestDropBox(t *testing.T) {
	t.Parallel()
	content := noise(3000)
	for what, o := range map[string]remotetest.ServerOptions{"openssh": {}, "no posix-rename": {Deny: []string{"posix-rename@openssh.com"}}, "no hard links": {NoHardLinks: true}} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			d := emptyDisk(t)
			o.Gate = func(op remotetest.Op) error {
				if op.Path == memDir && (op.Kind == remotetest.Open || op.Kind == remotetest.Opendir) {
					return syscall.EACCES
				}
				return nil
			}
			r := onDisk(t, d, embedded(t), o)
			wantSaid := func(notes []string) {
				t.Helper()
				if !strings.Contains(strings.Join(notes, " "), "durability: degraded: the login user cannot read") {
					t.Errorf("notes %q", notes)
				}
				if strings.Contains(d.Tree(), ".sftpgate") {
					t.Errorf("something is left:\n%s", d.Tree())
				}
			}
			for _, replace := range []gateway.IfExists{"", gateway.ReplaceIfExists} {
				put, err := r.put(alice, "put", content, replace)
				if err != nil {
					t.Fatal(err)
				}
				wantSaid(put.Upload.Notes)
				up := r.open(alice, "f", 3000, func(o *gateway.OpenRequest) { o.IfExists = replace }).Upload
				r.send(alice, up.ID, content, 1500, 1500)
				r.send(alice, up.ID, content, 0, 1500)
				wantSaid(r.finish(alice, up.ID).Notes)
				r.exactOn(d, content)
			}
			up := r.open(alice, "g", 3000).Upload
			r.send(alice, up.ID, content, 0, 1500)
			if err := r.Cancel(t.Context(), alice, up.ID); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(d.Tree(), ".sftpgate") {
				t.Errorf("a cancel leaves something:\n%s", d.Tree())
			}
		})
	}
}
