package main

import (
	"path"
	"slices"
	"strings"
)

// destination is where files go: HOST,HOST:/dir/ or HOST:/path/of/a/file.
type destination struct {
	hosts []string
	path  string // absolute
}

func parseDestination(text string) (d destination, err error) {
	hosts, to, found := strings.Cut(text, ":")
	if !found || hosts == "" || !strings.HasPrefix(to, "/") {
		return d, misused("%q is not a target: write HOST:/dir/ with a host's id, which sftpgate hosts ls lists, and an absolute path", text)
	}
	d = destination{hosts: strings.Split(hosts, ","), path: to}
	for i, h := range d.hosts {
		if h == "" || strings.Contains(h, "/") {
			return d, misused("%q is not a target: %q is not a host's id", text, h)
		}
		if slices.Contains(d.hosts[:i], h) {
			return d, misused("%q names the host %s twice", text, h)
		}
	}
	return d, nil
}

// isDir reports whether the target is a directory that files go into by their names.
func (d destination) isDir() bool { return strings.HasSuffix(d.path, "/") }

// of is the path of a file with this name.
func (d destination) of(name string) string {
	if d.isDir() {
		return strings.TrimRight(d.path, "/") + "/" + name
	}
	return d.path
}

// dirOf is the directory of a path on a host.
func dirOf(target string) string { return path.Dir(target) }
