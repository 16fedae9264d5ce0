package remotetest

import (
	"errors"
	"io"
	"syscall"
)

func (s *server) openFile(d *decoder) request {
	op := s.op(Open, d.name())
	flags := d.uint32()
	a, _ := d.attrs()
	if flags&fxfCreat != 0 {
		op.Kind = Create
		op.Attrs.Mode = masked(a.Mode, 0o666)
	}
	return request{op: op, do: func(id uint32) (packet, error) {
		node, err := s.disk.open(&op, flags)
		if err != nil {
			return nil, err
		}
		if s.options.NoDirOpen && node.kind == isDir {
			s.disk.close(node)
			return nil, syscall.EISDIR
		}
		return s.newHandle(id, &handle{node: node, path: op.Path, flags: flags}), nil
	}}
}

func (s *server) closeHandle(name string) request {
	h := s.handles[name]
	if h == nil {
		h = badHandle
	}
	return request{op: s.onHandle(Close, h), do: func(uint32) (packet, error) {
		if h.node == nil {
			return nil, syscall.ENOENT
		}
		delete(s.handles, name)
		s.disk.close(h.node)
		return nil, nil
	}}
}

func (s *server) read(h *handle, off int64, n uint32) request {
	op := s.onHandle(Read, h)
	op.Off, op.Len = off, int64(min(n, maxData))
	return request{op: op, do: func(id uint32) (packet, error) {
		data, err := s.readAt(h, off, int(op.Len))
		if err != nil {
			return nil, err
		}
		return newPacket(fxpData, id).string(string(data)), nil
	}}
}

// readAt returns up to n bytes; io.EOF where there are none.
func (s *server) readAt(h *handle, off int64, n int) ([]byte, error) {
	s.disk.mu.Lock()
	defer s.disk.mu.Unlock()
	switch {
	case h.node == nil:
		return nil, &StatusError{Code: fxFailure, Msg: "Failure"}
	case !h.reads():
		return nil, syscall.EBADF
	case h.node.kind == isDir:
		return nil, syscall.EISDIR
	case off < 0:
		return nil, syscall.EINVAL
	}
	data := make([]byte, n)
	if n = h.node.data.readAt(data, off); n == 0 {
		return nil, io.EOF
	}
	return data[:n], nil
}

func (s *server) write(h *handle, off int64, data []byte) request {
	op := s.onHandle(Write, h)
	op.Off, op.Len, op.Data = off, int64(len(data)), data
	return request{op: op, do: func(uint32) (packet, error) { return nil, s.writeAt(h, op) }}
}

func (s *server) writeAt(h *handle, op Op) error {
	switch {
	case h.node == nil:
		return &StatusError{Code: fxFailure, Msg: "Failure"}
	case !h.writes():
		return syscall.EBADF
	case op.Off < 0:
		return syscall.EINVAL
	}
	s.disk.mu.Lock()
	defer s.disk.mu.Unlock()
	if h.flags&fxfAppend != 0 {
		op.Off = h.node.data.size
	}
	return s.disk.doLocked(&op)
}

// copyData copies n bytes, or all when n is 0, in blocks that the gate sees one
// by one as writes with the source in Path2.
func (s *server) copyData(from *handle, off, n int64, to *handle, at int64) request {
	op := s.onHandle("copy-data", to)
	op.Path2, op.Off, op.Len = from.path, at, n
	return request{op: op, do: func(uint32) (packet, error) {
		if from.node == nil || to.node == nil || from == to || from.path == to.path {
			return nil, &StatusError{Code: fxFailure, Msg: "Failure"}
		}
		for copied := int64(0); n == 0 || copied < n; {
			block := copyDataBuf
			if n > 0 {
				block = int(min(int64(block), n-copied))
			}
			data, err := s.readAt(from, off+copied, block)
			if err == io.EOF && n == 0 {
				break
			}
			if err != nil {
				return nil, err
			}
			w := s.onHandle(Write, to)
			w.Path2, w.Off, w.Len, w.Data = from.path, at+copied, int64(len(data)), data
			if err := s.gate(w); errors.Is(err, ErrCopyShort) {
				return nil, nil
			} else if err != nil {
				return nil, err
			}
			if err := s.writeAt(to, w); err != nil {
				return nil, err
			}
			copied += int64(len(data))
		}
		return nil, nil
	}}
}

func (s *server) fsync(h *handle) request {
	op := s.onHandle(Fsync, h)
	return request{op: op, do: func(uint32) (packet, error) {
		if h.node == nil {
			return nil, syscall.ENOENT
		}
		return nil, s.disk.do(&op)
	}}
}

func (s *server) link(op Op) request {
	return request{op: op, do: func(uint32) (packet, error) {
		if s.options.NoHardLinks {
			return nil, syscall.EPERM // as link(2) says on vfat
		}
		return nil, s.disk.do(&op)
	}}
}

// rename is SSH_FXP_RENAME as sftp-server does it: regular files are linked to
// the new name and unlinked from the old, anything else is renamed unless stat
// finds something under the new name. Other clients may come in between.
func (s *server) rename(from, to string) request {
	op := s.op(RenameNew, from)
	op.Path2 = to
	return request{op: op, do: func(uint32) (packet, error) {
		step := func(kind Kind, path, path2 string) error {
			o := s.op(kind, path)
			o.Path2 = path2
			return s.disk.do(&o)
		}
		if s.options.RenameOverwrites {
			return nil, step(Rename, from, to)
		}
		s.disk.mu.Lock()
		node, err := s.disk.tree.find(from, false)
		_, taken := s.disk.tree.find(to, true)
		s.disk.mu.Unlock()
		switch {
		case err != nil:
			return nil, err
		case node.kind != isFile || s.options.NoHardLinks:
			if taken == nil {
				return nil, &StatusError{Code: fxFailure, Msg: "Failure"}
			}
			return nil, step(Rename, from, to)
		}
		if err := step(Link, from, to); err != nil {
			return nil, err
		}
		return nil, step(Remove, from, to)
	}}
}
