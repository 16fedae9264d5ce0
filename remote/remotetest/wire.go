package remotetest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
)

// The numbers of draft-ietf-secsh-filexfer-02, SFTP version 3.
const (
	fxpInit, fxpVersion                                   = 1, 2
	fxpOpen, fxpClose, fxpRead, fxpWrite                  = 3, 4, 5, 6
	fxpLstat, fxpFstat, fxpSetstat, fxpFsetstat           = 7, 8, 9, 10
	fxpOpendir, fxpReaddir, fxpRemove, fxpMkdir, fxpRmdir = 11, 12, 13, 14, 15
	fxpRealpath, fxpStat, fxpRename                       = 16, 17, 18
	fxpReadlink, fxpSymlink                               = 19, 20
	fxpStatus, fxpHandle, fxpData, fxpName, fxpAttrs      = 101, 102, 103, 104, 105
	fxpExtended, fxpExtendedReply                         = 200, 201

	fxOK, fxEOF, fxNoSuchFile, fxPermissionDenied        = 0, 1, 2, 3
	fxFailure, fxBadMessage, fxOpUnsupported      uint32 = 4, 5, 8

	fxfRead, fxfWrite, fxfCreat, fxfTrunc, fxfExcl = 0x01, 0x02, 0x08, 0x10, 0x20
	fxfAppend                                      = 0x04

	attrSize, attrUIDGID, attrPermissions, attrTimes = 1, 2, 4, 8
)

// OpenSSH's limits (sftp-common.h, sftp-server.c).
const (
	maxPacket   = 256 << 10
	maxData     = maxPacket - 1024
	dirBatch    = 100
	copyDataBuf = 64 << 10
)

// StatusError is an SSH_FX_ status for a gate to answer with.
type StatusError struct {
	Code uint32
	Msg  string
}

func (e *StatusError) Error() string { return fmt.Sprintf("status %d: %s", e.Code, e.Msg) }

// statusOf is sftp-server's errno_to_portable.
func statusOf(err error) (code uint32, msg string) {
	var status *StatusError
	var errno syscall.Errno
	switch {
	case err == nil:
		return fxOK, "Success"
	case errors.As(err, &status):
		return status.Code, status.Msg
	case errors.Is(err, io.EOF):
		return fxEOF, "End of file"
	case !errors.As(err, &errno):
		return fxFailure, err.Error()
	}
	switch errno {
	case syscall.ENOENT, syscall.ENOTDIR, syscall.EBADF, syscall.ELOOP:
		return fxNoSuchFile, "No such file"
	case syscall.EPERM, syscall.EACCES, syscall.EFAULT:
		return fxPermissionDenied, "Permission denied"
	case syscall.ENAMETOOLONG, syscall.EINVAL:
		return fxBadMessage, "Bad message"
	case syscall.ENOSYS:
		return fxOpUnsupported, "Operation unsupported"
	}
	return fxFailure, "Failure"
}

// decoder takes a packet apart. Like sftp-server, which ends on a packet that it
// cannot parse or a name with a NUL in it, it only remembers that it failed.
type decoder struct {
	b   []byte
	err error
}

func (d *decoder) take(n int) []byte {
	if d.err != nil || n < 0 || n > len(d.b) {
		d.err = errors.New("incomplete message")
		return make([]byte, min(max(n, 0), 8))
	}
	p := d.b[:n]
	d.b = d.b[n:]
	return p
}

func (d *decoder) uint32() uint32 { return binary.BigEndian.Uint32(d.take(4)) }
func (d *decoder) uint64() uint64 { return binary.BigEndian.Uint64(d.take(8)) }

func (d *decoder) bytes() []byte {
	n := d.uint32()
	if int64(n) > int64(len(d.b)) {
		n = 1 << 30 // fails in take
	}
	return d.take(int(n))
}

func (d *decoder) name() string {
	s := string(d.bytes())
	if strings.ContainsRune(s, 0) {
		d.err = errors.New("a name holds NUL")
	}
	return s
}

// attrs reads ATTRS; size is nil where none is given.
func (d *decoder) attrs() (a Attrs, size *int64) {
	flags := d.uint32()
	if flags&attrSize != 0 {
		n := int64(d.uint64())
		size = &n
	}
	number := func() *uint32 { n := d.uint32(); return &n }
	if flags&attrUIDGID != 0 {
		a.UID, a.GID = number(), number()
	}
	if flags&attrPermissions != 0 {
		a.Mode = number()
		*a.Mode &= 0o7777
	}
	if flags&attrTimes != 0 {
		a.Atime, a.Mtime = number(), number()
	}
	return a, size
}

// packet is an answer being built: length (filled in by send), type, id, rest.
type packet []byte

func newPacket(kind byte, id uint32) packet {
	return binary.BigEndian.AppendUint32(packet{0, 0, 0, 0, kind}, id)
}

func (p packet) uint32(n uint32) packet { return binary.BigEndian.AppendUint32(p, n) }
func (p packet) uint64(n uint64) packet { return binary.BigEndian.AppendUint64(p, n) }
func (p packet) string(s string) packet { return append(p.uint32(uint32(len(s))), s...) }

// attrs appends the ATTRS of n as sftp-server sends them.
func (p packet) attrs(n *inode) packet {
	size, mode := int64(pageSize), n.mode
	switch n.kind {
	case isFile:
		size, mode = n.data.size, mode|syscall.S_IFREG
	case isDir:
		mode |= syscall.S_IFDIR
	case isLink:
		size, mode = int64(len(n.target)), mode|syscall.S_IFLNK
	}
	return p.uint32(attrSize | attrUIDGID | attrPermissions | attrTimes).uint64(uint64(size)).
		uint32(n.uid).uint32(n.gid).uint32(mode).uint32(n.atime).uint32(n.mtime)
}
