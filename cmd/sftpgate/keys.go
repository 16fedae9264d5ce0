package main

import (
	"log/slog"
	"os"

	"sftpgate/remote/hosts"
)

// warnOfOpenKeys names private keys and files with secrets that others on this
// machine can read. They are used all the same: a secret that is mounted into a
// container often cannot be closed to its group.
func warnOfOpenKeys(set *hosts.Set, log *slog.Logger) {
	for _, file := range openKeys(set) {
		log.Warn("others can read this file, which holds a secret: run chmod 600 on it", "file", file)
	}
}

// openKeys lists the files with secrets that group or others can read, each once.
func openKeys(set *hosts.Set) (open []string) {
	seen := map[string]bool{"": true}
	for _, h := range set.Everyone() {
		for _, file := range []string{h.KeyFile, h.Password.File(), h.Passphrase.File()} {
			if seen[file] {
				continue
			}
			seen[file] = true
			if info, err := os.Stat(file); err == nil && info.Mode().Perm()&0o077 != 0 {
				open = append(open, file)
			}
		}
	}
	return open
}
