package remotetest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"syscall"
)

// server is one sftp-server process: it reads requests, does them one by one
// and answers in the same order.
type server struct {
	disk    *Disk
	options ServerOptions
	in, out *pipe
	cut     func(error) // breaks the whole connection

	handles map[string]*handle
	last    int
}

// handle is an open file, or a directory being listed.
type handle struct {
	node  *inode
	path  string
	flags uint32
	list  bool // by OPENDIR
	names []string
	begun bool
}

// request is a parsed one: op is what the gate is asked about, and do answers;
// a nil packet without an error is SSH_FX_OK.
type request struct {
	op Op
	do func(id uint32) (packet, error)
}

// run serves until the input ends, or until a message that sftp-server would
// end on as well.
func (s *server) run() error {
	defer func() {
		for _, h := range s.handles {
			s.disk.close(h.node)
		}
	}()
	for {
		var head [4]byte
		if _, err := io.ReadFull(s.in, head[:]); err != nil {
			return nil
		}
		n := binary.BigEndian.Uint32(head[:])
		if n == 0 || n > maxPacket {
			return fmt.Errorf("sftp-server ended: bad message of %d bytes", n)
		}
		message := make([]byte, n)
		if _, err := io.ReadFull(s.in, message); err != nil {
			return nil
		}
		answer, err := s.serve(message[0], &decoder{b: message[1:]})
		if err != nil {
			return err
		}
		if answer != nil {
			binary.BigEndian.PutUint32(answer, uint32(len(answer)-4))
			_, _ = s.out.Write(answer) // who is gone does not read
		}
	}
}

// serve does one request. An error ends the server; no answer and no error is
// an answer lost.
func (s *server) serve(kind byte, d *decoder) (packet, error) {
	if kind == fxpInit {
		return s.version(), nil
	}
	id := d.uint32()
	r := s.parse(kind, d)
	if d.err != nil {
		return nil, fmt.Errorf("sftp-server ended: %w", d.err)
	}
	verdict := s.gate(r.op)
	switch {
	case errors.Is(verdict, ErrCutBefore):
		s.cut(verdict)
		return nil, verdict
	case verdict != nil && !errors.Is(verdict, ErrDropReply) && !errors.Is(verdict, ErrCutAfter):
		return status(id, verdict), nil
	}
	answer, err := r.do(id)
	for _, e := range []error{err, verdict} {
		if errors.Is(e, ErrCutBefore) || errors.Is(e, ErrCutAfter) {
			s.cut(e)
			return nil, e
		}
	}
	switch {
	case errors.Is(verdict, ErrDropReply):
		return nil, nil
	case err != nil || answer == nil:
		return status(id, err), nil
	}
	return answer, nil
}

func (s *server) gate(op Op) error {
	if s.options.NameMax > 0 && (tooLong(op.Path, s.options.NameMax) || tooLong(op.Path2, s.options.NameMax)) {
		return syscall.ENAMETOOLONG
	}
	if s.options.Gate == nil {
		return nil
	}
	return s.options.Gate(op)
}

// tooLong reports whether a component of path has more than most bytes.
func tooLong(path string, most int) bool {
	return slices.ContainsFunc(components(path), func(name string) bool { return len(name) > most })
}

func status(id uint32, err error) packet {
	code, msg := statusOf(err)
	return newPacket(fxpStatus, id).uint32(code).string(msg).string("")
}

// extensions are those of OpenSSH that this server knows, with their versions.
var extensions = [][2]string{
	{"posix-rename@openssh.com", "1"}, {"statvfs@openssh.com", "2"}, {"fstatvfs@openssh.com", "2"},
	{"hardlink@openssh.com", "1"}, {"fsync@openssh.com", "1"}, {"lsetstat@openssh.com", "1"},
	{"limits@openssh.com", "1"}, {"copy-data", "1"},
}

func (s *server) version() packet {
	p := newPacket(fxpVersion, 3) // the version stands where answers have the id
	for _, e := range extensions {
		if !slices.Contains(s.options.Deny, e[0]) {
			p = p.string(e[0]).string(e[1])
		}
	}
	return p
}

func (s *server) op(kind Kind, path string) Op {
	return Op{Client: s.options.Client, Kind: kind, Path: path}
}

func (s *server) newHandle(id uint32, h *handle) packet {
	s.last++
	name := "h" + strconv.Itoa(s.last)
	s.handles[name] = h
	return newPacket(fxpHandle, id).string(name)
}

// badHandle stands for a handle that is not there, so that parsing goes on.
var badHandle = &handle{}

// file returns the open file under a handle, or badHandle.
func (s *server) file(name string) *handle {
	if h := s.handles[name]; h != nil && !h.list {
		return h
	}
	return badHandle
}

// onHandle is an op on an open file.
func (s *server) onHandle(kind Kind, h *handle) Op {
	op := s.op(kind, h.path)
	if h.node != nil {
		op.Inode = h.node.id
	}
	return op
}

func (h *handle) reads() bool  { return h.flags&fxfRead != 0 || h.flags&fxfWrite == 0 }
func (h *handle) writes() bool { return h.flags&fxfWrite != 0 }
