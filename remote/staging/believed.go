package staging

import (
	"maps"
	"path"
	"slices"
	"time"
)

// plainTTL is how long it is believed of a directory that its path leads to
// it without a symlink. Whoever believes it looks again while he goes on.
const plainTTL = 5 * time.Second

// maxPlainDirs bounds how many directories are remembered.
const maxPlainDirs = 4096

// plainDir is a directory whose path was found to be its real one.
type plainDir struct {
	root string
	at   time.Time // when that was asked
}

// Believed is Resolve without asking the host, where it told a moment ago that
// the directory's path has no symlink in it; false where it has to be asked, as it is
// about long names (holdsNames). It
// is for BeginSmall, which looks whether that is still so.
func (h *Host) Believed(p string, within ...string) (Target, bool) {
	config := h.Config()
	if CheckPath(p) != nil || slices.Contains(config.Roots, p) || len(path.Base(p)) > shortName {
		return Target{}, false
	}
	dir := path.Dir(p)
	version := h.pool.RouteVersion()
	h.mu.Lock()
	stands := h.isCurrent(version)
	plain, ok := h.plain[dir]
	h.mu.Unlock()
	if !ok || !stands || time.Since(plain.at) > plainTTL || !slices.Contains(config.Roots, plain.root) || !Under(plain.root, dir) {
		return Target{}, false
	}
	// A path on the way to the directory is as plain as that.
	allows := func(allowed string) bool { return CheckPath(allowed) == nil && Under(allowed, dir) }
	if len(within) > 0 && !slices.ContainsFunc(within, allows) {
		return Target{}, false
	}
	return Target{Host: config.ID, Root: plain.root, Dir: dir, Name: path.Base(p)}, true
}

// cachePlain remembers that t.Dir was plain when it was asked for at began, by
// version of the way to the host.
func (h *Host) cachePlain(version uint64, t Target, began time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.isCurrent(version) {
		return
	}
	if len(h.plain) >= maxPlainDirs {
		maps.DeleteFunc(h.plain, func(_ string, d plainDir) bool { return time.Since(d.at) > plainTTL })
	}
	if len(h.plain) < maxPlainDirs {
		h.plain[t.Dir] = plainDir{t.Root, began}
	}
}
