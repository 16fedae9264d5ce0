package gateway_test

import (
	"bytes"
	"encoding/binary"
	"os"
	"strings"
	"syscall"
	"testing"

	"sftpgate/gateway"
)

// defaultACL is what setfacl -d -m u:1:rw,g::rw,o::- writes, with a mask of rw; see
// posix_acl_xattr.h.
func defaultACL() []byte {
	const none = 1<<32 - 1
	acl := binary.LittleEndian.AppendUint32(nil, 2)
	for _, e := range []struct{ tag, perm, id uint32 }{{1, 7, none}, {2, 6, 1}, {4, 6, none}, {0x10, 6, none}, {0x20, 0, none}} {
		acl = binary.LittleEndian.AppendUint32(acl, e.tag|e.perm<<16)
		acl = binary.LittleEndian.AppendUint32(acl, e.id)
	}
	return acl
}

// access is the access control list and the mode of a file.
func (r *rig) access(name string) ([]byte, os.FileMode) {
	r.t.Helper()
	acl := make([]byte, 200)
	n, err := syscall.Getxattr(r.path(name), "system.posix_acl_access", acl)
	if err != nil {
		n = 0
	}
	info, err := os.Stat(r.path(name))
	if err != nil {
		r.t.Fatal(err)
	}
	return acl[:n], info.Mode()
}

// A file in a directory with default access control lists has those that one made there
// by hand has. Where SFTP alone does not tell that there are any, the upload says so.
func TestDefaultAccessControlLists(t *testing.T) {
	t.Parallel()
	for _, engine := range []string{"shell", "copy-data"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, hostsOfEveryKind[engine])
			if err := syscall.Setxattr(r.root, "system.posix_acl_default", defaultACL(), 0); err != nil {
				t.Fatalf("the tests' directory needs a filesystem with access control lists: %v", err)
			}
			if err := os.WriteFile(r.path("by hand"), nil, 0o666); err != nil {
				t.Fatal(err)
			}
			want, mode := r.access("by hand")
			content := noise(3000)
			notes := map[string][]string{}
			for name, piece := range map[string]int64{"one piece": 3000, "pieces": 1000} {
				up := r.open(alice, name, 3000).Upload
				for off := int64(0); off < 3000; off += piece {
					r.send(alice, up.ID, content, off, piece)
				}
				notes[name] = r.finish(alice, up.ID).Notes
			}
			for _, name := range []string{"whole", "whole again"} { // the second one from a host that is known
				put, err := r.put(alice, name, content, gateway.FailIfExists)
				if err != nil {
					t.Fatal(err)
				}
				notes[name] = put.Upload.Notes
			}
			for name, said := range notes {
				acl, has := r.access(name)
				same := bytes.Equal(acl, want) && has == mode
				if said := strings.Contains(strings.Join(said, " "), "default ACLs"); same == said || !same && engine == "shell" {
					t.Errorf("%s: %v %x, by hand %v %x; notes %v", name, has, acl, mode, want, notes[name])
				}
			}
		})
	}
}
