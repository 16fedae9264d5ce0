package gateway

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"sftpgate/gateway/access"
	"sftpgate/remote/sshpool"
	"sftpgate/remote/staging"
)

// whole is the upload with Received, which a tombstone leaves out: of a file
// that is done, all of it.
func (v Upload) whole() Upload {
	if v.State == Done && v.Size > 0 {
		v.Received = [][2]int64{{0, v.Size}}
	}
	return v
}

// List returns the caller's uploads, unfinished first, then newest first,
// without Received.
func (s *Service) List(ctx context.Context, c access.Caller) ([]Upload, error) {
	if err := authorize(c, access.OpRead, access.Resource{Owner: c.User}); err != nil {
		return nil, err
	}
	entries, err := s.index.ByUser(ctx, c.User)
	if err != nil {
		return nil, explain("", err)
	}
	return s.listed(c, entries), nil
}

// ListAll returns what List does, and everybody else's uploads that have not
// ended. It is for administrators.
func (s *Service) ListAll(ctx context.Context, c access.Caller) ([]Upload, error) {
	if err := authorize(c, access.OpRead, access.Resource{Owner: c.User}); err != nil {
		return nil, err
	}
	if !c.Admin {
		return nil, Refuse(Forbidden, "only an administrator may list everybody's uploads")
	}
	entries, err := s.index.ByUser(ctx, c.User)
	if err != nil {
		return nil, explain("", err)
	}
	all, err := s.index.Unended(ctx)
	if err != nil {
		return nil, explain("", err)
	}
	for _, e := range all {
		if e.Upload.User != c.User {
			entries = append(entries, e)
		}
	}
	return s.listed(c, entries), nil
}

// listed shows of the entries what c may see, unfinished first, then newest first; always
// in the same order, so that a list can be read in parts.
func (s *Service) listed(c access.Caller, entries []Entry) []Upload {
	list := make([]Upload, 0, len(entries))
	for _, e := range entries {
		if !c.Credential.KnownTo(e.Passes) && !(c.Scope.CoversHost(e.Upload.Host) && c.Scope.CoversPath(e.Upload.Path)) {
			continue
		}
		s.mu.Lock()
		u := s.active[e.Upload.ID]
		s.mu.Unlock()
		if u != nil && !e.Ended {
			list = append(list, u.asListed(e.Upload))
			continue
		}
		list = append(list, e.Upload)
	}
	slices.SortFunc(list, func(a, b Upload) int {
		if a.State.Ended() != b.State.Ended() {
			if b.State.Ended() {
				return -1
			}
			return 1
		}
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	return list
}

// Hosts lists the hosts as last known; no host is asked.
func (s *Service) Hosts(_ context.Context, c access.Caller) ([]HostView, error) {
	if err := authorize(c, access.OpRead, access.Resource{}); err != nil {
		return nil, err
	}
	var views []HostView
	for _, id := range s.hosts.IDs() {
		if h, ok := s.hosts.Host(id); ok && authorize(c, access.OpRead, access.Resource{Host: id}) == nil {
			v := s.hostView(c, h)
			v.Roots = c.Scope.NarrowRoots(v.Roots)
			views = append(views, v)
		}
	}
	return views, nil
}

// Host asks one host how it is.
func (s *Service) Host(ctx context.Context, c access.Caller, id string) (HostView, error) {
	if err := authorize(c, access.OpRead, access.Resource{Host: id}); err != nil {
		return HostView{}, err
	}
	h, err := s.host(id)
	if err != nil {
		return HostView{}, err
	}
	free := int64(-1)
	var wrong []rootTrouble
	if _, err = h.Pool().Ping(ctx); err == nil {
		if roots := h.Config().Roots; len(roots) > 0 {
			free, _ = h.Free(ctx, roots[0])
		}
		wrong = s.lookAtRoots(ctx, h)
	}
	v := s.hostView(c, h) // says itself that it is down, and why
	v.Free, v.Roots = free, c.Scope.NarrowRoots(v.Roots)
	told := tellRoots(c, id, wrong)
	if v.Engine == "" {
		v.EngineReason = told
	}
	if v.Reason == "" { // it is up, and yet not everywhere can files be sent
		v.Reason = told
	}
	return v, nil
}

// askPatience is how long one who looks at a host waits for what it can do below a root.
const askPatience = 20 * time.Second

// toldTo is what c may read of a host's failure, on one line.
func toldTo(c access.Caller, host string, err error) string {
	why := err.Error()
	var refused *Error
	if errors.As(explain(host, err), &refused) {
		why = refused.DetailFor(c)
	}
	return strings.ReplaceAll(why, "\n", "; ")
}

// hostView is what c may know of a host.
func (s *Service) hostView(c access.Caller, h *staging.Host) HostView {
	cfg, status := h.Config(), h.Pool().Status()
	v := HostView{ID: cfg.ID, Label: cfg.Label, Tags: cfg.Tags, Roots: cfg.Roots, State: string(status.State),
		Free: -1, Latency: status.Latency}
	if status.LastError != nil && status.State != sshpool.Up {
		v.Reason = explainLink(status.LastError).DetailFor(c)
	}
	if status.State == sshpool.Up {
		v.Reason = tellRoots(c, cfg.ID, s.keptOfRoots(cfg.ID))
	}
	for _, root := range cfg.Roots {
		choice, ok := s.engines.Chosen(h, root)
		switch {
		case !ok:
		case v.Engine == "":
			v.Engine, v.EngineReason = choice.Engine, choice.Explain()
		case v.Engine != choice.Engine:
			v.EngineReason += " Below " + root + " it is " + choice.Engine + ": " + choice.Explain()
		}
	}
	for _, can := range h.Known() {
		v.Durability = "full"
		if !can.Durable() {
			v.Durability = "degraded"
		}
		v.abilities(can)
	}
	return v
}

// abilities adds what was found out about a root.
func (v *HostView) abilities(can sshpool.Abilities) {
	if v.Cannot == nil {
		v.Cannot = map[string]string{}
	}
	maps.Copy(v.Cannot, can.Why)
	for name, has := range map[string]bool{"Fsync": can.Fsync, "DirSync": can.DirSync, "PosixRename": can.PosixRename,
		"HardLink": can.HardLink, "RenameCreateOnly": can.RenameCreateOnly, "StatVFS": can.StatVFS, "Exec": can.Exec,
		"HashTool": can.HashTool != "", "Reflink": can.Reflink, "RealPath": can.RealPath, "Proc": can.Proc} {
		if has && !slices.Contains(v.Can, name) {
			v.Can = append(v.Can, name)
		}
	}
	slices.Sort(v.Can)
}

// Entries lists a directory below the roots, for pickers.
func (s *Service) Entries(ctx context.Context, c access.Caller, host, dir string) (Entries, error) {
	if err := authorize(c, access.OpBrowse, access.Resource{Host: host}); err != nil {
		return Entries{}, err
	}
	h, err := s.host(host)
	if err != nil {
		return Entries{}, err
	}
	infos, staged, err := h.List(ctx, dir, c.Paths()...)
	if err != nil {
		return Entries{}, explain(host, err)
	}
	if staged.Dir != "" {
		s.noticed(h, staged)
	}
	list := Entries{Host: host, Dir: dir, Entries: make([]DirEntry, 0, len(infos))}
	for _, info := range infos {
		list.Entries = append(list.Entries, DirEntry{Name: info.Name(), Type: typeOf(info.Mode()), Size: info.Size(), MTime: info.ModTime()})
	}
	return list, nil
}

func typeOf(mode fs.FileMode) string {
	switch {
	case mode.IsRegular():
		return "file"
	case mode.IsDir():
		return "dir"
	case mode&fs.ModeSymlink != 0:
		return "symlink"
	}
	return "other"
}
