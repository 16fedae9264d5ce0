package remotetest

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// Account is a server whose commands run through a script, as a login shell or a
// start-up file would have it, and whose search path begins with Bin.
type Account struct {
	SSHD *SSHD
	Bin  string // a directory of programs, empty at first
}

// StartAccount starts one; first runs in a shell before each command, but not before
// SFTP, and knows Bin as $BIN.
func StartAccount(t testing.TB, first string) Account {
	t.Helper()
	dir := t.TempDir()
	a := Account{Bin: filepath.Join(dir, "bin")}
	script := `#!/bin/sh
case "$SSH_ORIGINAL_COMMAND" in
internal-sftp)
	for server in /usr/lib/openssh /usr/libexec/openssh /usr/lib/ssh /usr/libexec /usr/lib/misc; do
		[ ! -x $server/sftp-server ] || exec $server/sftp-server
	done
	exit 1
	;;
esac
BIN='` + a.Bin + `'
` + first + `
exec /bin/sh -c "$SSH_ORIGINAL_COMMAND"
`
	if err := errors.Join(os.Mkdir(a.Bin, 0o755), os.WriteFile(filepath.Join(dir, "login"), []byte(script), 0o755)); err != nil {
		t.Fatal(err)
	}
	a.SSHD = StartSSHD(t, SSHDOptions{ForceCommand: filepath.Join(dir, "login")})
	return a
}

// Only gives the account these programs of the machine and no others.
func (a Account) Only(t testing.TB, tools ...string) {
	t.Helper()
	for _, tool := range tools {
		for _, dir := range []string{"/bin", "/usr/bin"} {
			from := filepath.Join(dir, tool)
			if _, err := os.Stat(from); err == nil {
				if err := os.Symlink(from, filepath.Join(a.Bin, tool)); err != nil {
					t.Fatal(err)
				}
				break
			}
		}
	}
}
