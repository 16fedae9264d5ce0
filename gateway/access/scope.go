package access

import (
	"slices"
	"strings"
)

// Operation is one kind of access that a ticket can be limited to.
type Operation string

// What tickets are minted for.
const (
	OpRead     Operation = "read"     // hosts, and the state of one's own uploads
	OpBrowse   Operation = "browse"   // directory listings
	OpUpload   Operation = "upload"   // open, send, finish
	OpCancel   Operation = "cancel"   // give one's own uploads up
	OpTakeOver Operation = "takeover" // end the uploads of others; with read and cancel, those too
)

// AllOperations are all that there are.
var AllOperations = []Operation{OpRead, OpBrowse, OpUpload, OpCancel, OpTakeOver}

// AnyHost in Scope.Hosts stands for all of hosts.yaml.
const AnyHost = "*"

// Scope is what a ticket covers. A nil Scope covers everything.
type Scope struct {
	// Hosts are host ids, or AnyHost.
	Hosts []string
	// Paths are absolute directories or files on the host: they and what is below
	// them, by whole components and after all symbolic links. nil: all below the
	// hosts' roots.
	Paths      []string
	Operations []Operation
	// MaxSize bounds each file, in bytes; 0: no bound.
	MaxSize int64
}

// CoversHost reports whether a host is among the ticket's.
func (sc *Scope) CoversHost(host string) bool {
	return sc == nil || slices.Contains(sc.Hosts, host) || slices.Contains(sc.Hosts, AnyHost)
}

// CoversPath reports whether a path lies below the ticket's as they are spelled. It
// is for lists, which must not ask hosts; access is decided by how the host resolves
// the path.
func (sc *Scope) CoversPath(p string) bool {
	return sc == nil || sc.Paths == nil || slices.ContainsFunc(sc.Paths, func(dir string) bool { return under(dir, p) })
}

// NarrowRoots are the roots as far as the ticket covers them, by their spelling.
func (sc *Scope) NarrowRoots(roots []string) []string {
	if sc == nil || sc.Paths == nil {
		return roots
	}
	var covered []string
	for _, root := range roots {
		for _, p := range sc.Paths {
			switch {
			case under(p, root):
				covered = append(covered, root)
			case under(root, p):
				covered = append(covered, p)
			}
		}
	}
	slices.Sort(covered)
	return slices.Compact(covered)
}

// under reports whether p is dir or lies below it, by whole components.
func under(dir, p string) bool {
	return dir == "/" || p == dir || strings.HasPrefix(p, dir+"/")
}
