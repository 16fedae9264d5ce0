package main

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
)

// accountName is who logs in to the benchmark's server.
const accountName = "deploy"

// account makes a user database in dir that the server reads by nss_wrapper(1),
// and returns the environment for that. The one account in it has the rights of
// whoever runs this, so that nothing needs root, and none of their files: /bin/sh,
// and an empty home with no start-up file that would be measured as well.
func account(dir string, me *user.User) (environ []string, err error) {
	wrapper, err := findWrapper()
	if err != nil {
		return nil, err
	}
	home := filepath.Join(dir, "home")
	if err := os.Mkdir(home, 0o755); err != nil {
		return nil, err
	}
	uid, gid := "65534", "65534" // of the unprivileged half of a root's sshd
	if sshd, err := user.Lookup("sshd"); err == nil {
		uid, gid = sshd.Uid, sshd.Gid
	}
	users := fmt.Sprintf("%s:x:%s:%s::%s:/bin/sh\nsshd:x:%s:%s::/run/sshd:/bin/false\n", accountName, me.Uid, me.Gid, home, uid, gid)
	groups := fmt.Sprintf("%s:x:%s:\n", accountName, me.Gid)
	passwd, group := filepath.Join(dir, "passwd"), filepath.Join(dir, "group")
	if err := errors.Join(os.WriteFile(passwd, []byte(users), 0o600), os.WriteFile(group, []byte(groups), 0o600)); err != nil {
		return nil, err
	}
	return append(os.Environ(), "LD_PRELOAD="+wrapper, "NSS_WRAPPER_PASSWD="+passwd, "NSS_WRAPPER_GROUP="+group), nil
}

// findWrapper looks where distributions put libraries, which differs by processor.
func findWrapper() (string, error) {
	for _, pattern := range []string{"/usr/lib/*/libnss_wrapper.so", "/usr/lib64/libnss_wrapper.so", "/usr/lib/libnss_wrapper.so", "/usr/local/lib/libnss_wrapper.so"} {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			return found[0], nil
		}
	}
	return "", errors.New("libnss_wrapper.so is not installed: install the package libnss-wrapper")
}
