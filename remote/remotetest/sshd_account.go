package remotetest

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"testing"
)

// accountName is who logs in to every test host.
const accountName = "deploy"

// account gives the server a user database of its own by nss_wrapper(1), and
// returns the environment that has it read that. The one account in it has the
// rights of whoever runs the test, so that nothing needs root, and none of their
// files: another shell, an empty home.
func (s *SSHD) account(me *user.User, shell string) (environ []string) {
	s.t.Helper()
	uid, gid := "65534", "65534" // of the unprivileged half of a root's sshd
	if sshd, err := user.Lookup("sshd"); err == nil {
		uid, gid = sshd.Uid, sshd.Gid
	}
	passwd, group := filepath.Join(s.Dir, "passwd"), filepath.Join(s.Dir, "group")
	writeFile(s.t, passwd, fmt.Appendf(nil, "%s:x:%s:%s::%s:%s\nsshd:x:%s:%s::/run/sshd:/bin/false\n",
		s.User, me.Uid, me.Gid, s.Home, shell, uid, gid))
	writeFile(s.t, group, fmt.Appendf(nil, "%s:x:%s:\n", s.User, me.Gid))
	return append(os.Environ(), "LD_PRELOAD="+findWrapper(s.t), "NSS_WRAPPER_PASSWD="+passwd, "NSS_WRAPPER_GROUP="+group)
}

// findWrapper looks where distributions put libraries, which differs by processor.
func findWrapper(t testing.TB) string {
	t.Helper()
	for _, pattern := range []string{"/usr/lib/*/libnss_wrapper.so", "/usr/lib64/libnss_wrapper.so", "/usr/lib/libnss_wrapper.so", "/usr/local/lib/libnss_wrapper.so"} {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			return found[0]
		}
	}
	t.Fatal("libnss_wrapper.so is not installed: install the libnss-wrapper package")
	return ""
}
