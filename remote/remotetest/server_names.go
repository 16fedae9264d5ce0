package remotetest

import (
	"cmp"
	"io"
	"maps"
	"path"
	"slices"
	"syscall"
)

func (s *server) stat(name string, follow bool) request {
	return request{op: s.op(Stat, name), do: func(id uint32) (packet, error) {
		s.disk.mu.Lock()
		defer s.disk.mu.Unlock()
		node, err := s.disk.tree.find(name, follow)
		if err != nil {
			return nil, err
		}
		return newPacket(fxpAttrs, id).attrs(node), nil
	}}
}

func (s *server) fstat(h *handle) request {
	return request{op: s.onHandle(Stat, h), do: func(id uint32) (packet, error) {
		if h.node == nil {
			return nil, &StatusError{Code: fxFailure, Msg: "Failure"}
		}
		s.disk.mu.Lock()
		defer s.disk.mu.Unlock()
		return newPacket(fxpAttrs, id).attrs(h.node), nil
	}}
}

func (s *server) setstat(name string, follow bool, a Attrs, size *int64) request {
	op := s.op(Setstat, name)
	return s.change(op, a, size, func() (*inode, error) {
		s.disk.mu.Lock()
		defer s.disk.mu.Unlock()
		return s.disk.tree.find(name, follow)
	})
}

func (s *server) fsetstat(h *handle, a Attrs, size *int64) request {
	return s.change(s.onHandle(Setstat, h), a, size, func() (*inode, error) {
		if h.node == nil {
			return nil, &StatusError{Code: fxFailure, Msg: "Failure"}
		}
		if size != nil && !h.writes() {
			return nil, syscall.EINVAL
		}
		return h.node, nil
	})
}

// change sets the size, then the rest; a wish for the size alone is a Truncate.
func (s *server) change(op Op, a Attrs, size *int64, find func() (*inode, error)) request {
	op.Attrs = a
	alone := a == Attrs{}
	if size != nil && alone {
		op.Kind, op.Len = Truncate, *size
	}
	return request{op: op, do: func(uint32) (packet, error) {
		node, err := find()
		if err != nil {
			return nil, err
		}
		op.Inode = node.id
		if size != nil {
			cut := op
			cut.Kind, cut.Len, cut.Attrs = Truncate, *size, Attrs{}
			err = s.disk.do(&cut)
		}
		if !alone {
			err = s.disk.do(&op)
		}
		return nil, err
	}}
}

func (s *server) opendir(name string) request {
	return request{op: s.op(Opendir, name), do: func(id uint32) (packet, error) {
		s.disk.mu.Lock()
		node, err := s.disk.tree.find(name, true)
		if err == nil && node.kind != isDir {
			err = syscall.ENOTDIR
		}
		if err == nil {
			node.open++
		}
		s.disk.mu.Unlock()
		if err != nil {
			return nil, err
		}
		return s.newHandle(id, &handle{node: node, path: name, list: true}), nil
	}}
}

// readdir answers with up to 100 names. The names are read from the directory at
// the first call, as getdents(2) reads them in bulk; the attributes are looked up
// by path when they are sent, and what is gone by then is left out.
func (s *server) readdir(h *handle) request {
	if h == nil || !h.list {
		h = badHandle
	}
	return request{op: s.onHandle(Readdir, h), do: func(id uint32) (packet, error) {
		if h.node == nil {
			return nil, &StatusError{Code: fxFailure, Msg: "Failure"}
		}
		s.disk.mu.Lock()
		defer s.disk.mu.Unlock()
		if !h.begun {
			h.begun = true
			h.names = append([]string{".", ".."}, slices.Sorted(maps.Keys(h.node.entries))...)
		}
		var batch packet
		count := uint32(0)
		for len(h.names) > 0 && count < dirBatch {
			name := h.names[0]
			h.names = h.names[1:]
			node, err := s.disk.tree.find(h.path+"/"+name, false)
			if err != nil {
				continue
			}
			batch = batch.string(name).string(name).attrs(node) // nobody reads the long name
			count++
		}
		if count == 0 {
			return nil, io.EOF
		}
		return append(newPacket(fxpName, id).uint32(count), batch...), nil
	}}
}

// realpath resolves every symlink; only the last name may be missing.
func (s *server) realpath(name string) request {
	if name == "" {
		name = "."
	}
	return request{op: s.op(Realpath, name), do: func(id uint32) (packet, error) {
		s.disk.mu.Lock()
		defer s.disk.mu.Unlock()
		p, err := s.disk.tree.lookup(name, true)
		if err != nil {
			return nil, err
		}
		var real string
		if p.dir == nil {
			real = p.node.path()
		} else {
			real = path.Join(p.dir.path(), p.name)
		}
		return newPacket(fxpName, id).uint32(1).string(real).string(real).uint32(0), nil
	}}
}

func (s *server) readlink(name string) request {
	return request{op: s.op(Readlink, name), do: func(id uint32) (packet, error) {
		s.disk.mu.Lock()
		defer s.disk.mu.Unlock()
		node, err := s.disk.tree.find(name, false)
		if err == nil && node.kind != isLink {
			err = syscall.EINVAL
		}
		if err != nil {
			return nil, err
		}
		return newPacket(fxpName, id).uint32(1).string(node.target).string(node.target).uint32(0), nil
	}}
}

// unlimited is the size that a disk without a limit claims to have.
const unlimited = int64(1) << 40

// stReadOnly is statvfs's ST_RDONLY.
const stReadOnly = 1

// maxName is how many bytes a name may have where the options say nothing.
const maxName = 255

func (s *server) statvfs(op Op) request {
	return request{op: op, do: func(id uint32) (packet, error) {
		s.disk.mu.Lock()
		defer s.disk.mu.Unlock()
		if op.Inode == 0 {
			if _, err := s.disk.tree.find(op.Path, true); err != nil {
				return nil, err
			}
		}
		total := s.disk.tree.limit
		if total < 0 {
			total = unlimited
		}
		free := uint64(max(0, total-s.disk.tree.used)) / pageSize
		names := uint64(cmp.Or(s.options.NameMax, maxName))
		p := newPacket(fxpExtendedReply, id).uint64(pageSize).uint64(pageSize)
		// Blocks and inodes: all, free, free to us.
		for _, n := range []uint64{uint64(total) / pageSize, free, free, 1 << 20, 1 << 19, 1 << 19} {
			if s.options.NoSpaceTold {
				n = 0
			}
			p = p.uint64(n)
		}
		flags := uint64(0)
		if s.disk.readOnly {
			flags = stReadOnly
		}
		return p.uint64(0x5f7).uint64(flags).uint64(names), nil
	}}
}
