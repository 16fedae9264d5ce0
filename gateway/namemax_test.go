package gateway_test

import (
	"errors"
	"strings"
	"testing"

	"sftpgate/gateway"
	"sftpgate/remote/remotetest"
)

// eCryptfs holds names of 143 bytes, and so does a share of some appliances.
const shortNames = 143

// A name that the host can hold is stored, by whichever way a file comes, however long
// the names are that the gateway makes of it; one that it cannot hold is refused before
// anything is taken.
func TestNamesAsLongAsTheHostHolds(t *testing.T) {
	t.Parallel()
	content := noise(2000)
	for what, deny := range map[string][]string{
		"told": nil, "not told": {"statvfs@openssh.com"}, "no hard links": {"hardlink@openssh.com"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			for _, letter := range []string{"n", "ü"} {
				for _, n := range []int{120, 133, 134, 142, 143, 144, 150, 240, 255} {
					d := emptyDisk(t)
					r := onDisk(t, d, embedded(t), remotetest.ServerOptions{NameMax: shortNames, Deny: deny})
					name := strings.Repeat(letter, n/len(letter))
					if n > shortNames && len(name) > shortNames {
						refusesLongName(t, r, name, content)
						if tree := d.Tree(); strings.Contains(tree, "sftpgate") || strings.Contains(tree, name) {
							t.Errorf("something is left:\n%s", tree)
						}
						continue
					}
					up := r.open(alice, name, 2000).Upload
					r.send(alice, up.ID, content, 1000, 1000)
					r.send(alice, up.ID, content, 0, 1000)
					r.finish(alice, up.ID)
					if _, err := r.put(alice, name, content, gateway.ReplaceIfExists); err != nil {
						t.Fatalf("%d bytes, in one request: %v", len(name), err)
					}
					if got, err := d.ReadFile(memDir + "/" + name); err != nil || string(got) != string(content) {
						t.Fatalf("%d bytes: %v", len(name), err)
					}
					if strings.Contains(d.Tree(), ".sftpgate") {
						t.Errorf("staging is left:\n%s", d.Tree())
					}
				}
			}
		})
	}
}

func refusesLongName(t *testing.T, r *rig, name string, content []byte) {
	t.Helper()
	open := func(edit ...func(*gateway.OpenRequest)) func(string) error {
		return func(at string) error { _, err := r.tryOpen(alice, at, 2000, edit...); return err }
	}
	makeDirs := func(o *gateway.OpenRequest) { o.MakeDirs = true }
	for what, err := range map[string]error{
		"open":           open()(name),
		"make_dirs":      open(makeDirs)(name + "/f"),
		"as a directory": open()(name + "/f"),
		"put":            func() error { _, err := r.put(alice, name, content, ""); return err }(),
	} {
		var e *gateway.Error
		if !errors.As(err, &e) || e.Code != gateway.InvalidRequest || e.Retryable() || !strings.Contains(e.Detail, "longer") && !strings.Contains(e.Detail, "shorter") {
			t.Errorf("%s of %d bytes: %v", what, len(name), err)
		}
	}
}
