package remotetest

import "slices"

// parse takes a request apart. What is wrong with the message itself is left in
// d.err; what is wrong with the wish is found when it is done.
func (s *server) parse(kind byte, d *decoder) request {
	switch kind {
	case fxpOpen:
		return s.openFile(d)
	case fxpClose:
		return s.closeHandle(string(d.bytes()))
	case fxpRead:
		h := s.file(string(d.bytes()))
		return s.read(h, int64(d.uint64()), d.uint32())
	case fxpWrite:
		h := s.file(string(d.bytes()))
		return s.write(h, int64(d.uint64()), d.bytes())
	case fxpLstat, fxpStat:
		return s.stat(d.name(), kind == fxpStat)
	case fxpFstat:
		return s.fstat(s.file(string(d.bytes())))
	case fxpSetstat:
		path := d.name()
		a, size := d.attrs()
		return s.setstat(path, true, a, size)
	case fxpFsetstat:
		h := s.file(string(d.bytes()))
		a, size := d.attrs()
		return s.fsetstat(h, a, size)
	case fxpOpendir:
		return s.opendir(d.name())
	case fxpReaddir:
		return s.readdir(s.handles[string(d.bytes())])
	case fxpRemove:
		return s.simple(s.op(Remove, d.name()))
	case fxpRmdir:
		return s.simple(s.op(Rmdir, d.name()))
	case fxpMkdir:
		op := s.op(Mkdir, d.name())
		a, _ := d.attrs()
		op.Attrs.Mode = masked(a.Mode, 0o777)
		return s.simple(op)
	case fxpRealpath:
		return s.realpath(d.name())
	case fxpReadlink:
		return s.readlink(d.name())
	case fxpSymlink: // OpenSSH has the arguments the other way round than the draft
		target := d.name()
		op := s.op(Symlink, d.name())
		op.Path2 = target
		return s.simple(op)
	case fxpRename:
		from := d.name()
		return s.rename(from, d.name())
	case fxpExtended:
		return s.extended(d)
	}
	return s.unsupported("unknown")
}

func (s *server) extended(d *decoder) request {
	name := d.name()
	if slices.Contains(s.options.Deny, name) {
		return s.unsupported(name)
	}
	switch name {
	case "posix-rename@openssh.com":
		op := s.op(Rename, d.name())
		op.Path2 = d.name()
		return s.simple(op)
	case "hardlink@openssh.com":
		op := s.op(Link, d.name())
		op.Path2 = d.name()
		return s.link(op)
	case "fsync@openssh.com":
		return s.fsync(s.file(string(d.bytes())))
	case "lsetstat@openssh.com":
		path := d.name()
		a, size := d.attrs()
		return s.setstat(path, false, a, size)
	case "statvfs@openssh.com":
		return s.statvfs(s.op(StatVFS, d.name()))
	case "fstatvfs@openssh.com":
		return s.statvfs(s.onHandle(StatVFS, s.file(string(d.bytes()))))
	case "limits@openssh.com":
		return request{op: s.op(Limits, ""), do: func(id uint32) (packet, error) {
			return newPacket(fxpExtendedReply, id).uint64(maxPacket).uint64(maxData).uint64(maxData).uint64(1 << 16), nil
		}}
	case "copy-data":
		from := s.file(string(d.bytes()))
		off, n := int64(d.uint64()), int64(d.uint64())
		to := s.file(string(d.bytes()))
		return s.copyData(from, off, n, to, int64(d.uint64()))
	}
	return s.unsupported(name)
}

func (s *server) unsupported(name string) request {
	return request{op: s.op(Kind(name), ""), do: func(uint32) (packet, error) {
		return nil, &StatusError{Code: fxOpUnsupported, Msg: "Operation unsupported"}
	}}
}

// simple is a request that is one mutation.
func (s *server) simple(op Op) request {
	return request{op: op, do: func(uint32) (packet, error) { return nil, s.disk.do(&op) }}
}

// masked is a wished mode, or the default, under the usual umask.
func masked(mode *uint32, usual uint32) *uint32 {
	if mode != nil {
		usual = *mode & 0o7777
	}
	usual &^= 0o022
	return &usual
}
