package demohost

import (
	"encoding/binary"
	"errors"
	"io/fs"
)

// SFTP version 3 (draft-ietf-secsh-filexfer-02), as far as it is needed here.
const (
	fxpVersion, fxpOpen, fxpClose    = 2, 3, 4
	fxpRealpath, fxpRename           = 16, 18
	fxpStatus, fxpHandle, fxpName    = 101, 102, 104
	fxpExtended                      = 200
	fxOK, fxNoSuchFile, fxPermission = 0, 2, 3
	fxFailure                        = 4
	maxFrame                         = 256 << 10
	fsyncExtension                   = "fsync@openssh.com"
)

// status is an answer in the terms of sftp-server's errno_to_portable.
func status(id uint32, err error) []byte {
	code, msg := uint32(fxFailure), "Failure"
	switch {
	case err == nil:
		code, msg = fxOK, "Success"
	case errors.Is(err, fs.ErrNotExist):
		code, msg = fxNoSuchFile, "No such file"
	case errors.Is(err, fs.ErrPermission):
		code, msg = fxPermission, "Permission denied"
	}
	return appendString(appendString(binary.BigEndian.AppendUint32(head(fxpStatus, id), code), msg), "")
}

func head(kind byte, id uint32) []byte {
	return binary.BigEndian.AppendUint32([]byte{0, 0, 0, 0, kind}, id)
}

func sized(frame []byte) []byte {
	binary.BigEndian.PutUint32(frame, uint32(len(frame)-4)) // #nosec G115 -- at most maxFrame
	return frame
}

func appendString(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...) // #nosec G115 -- at most maxFrame
}

// fields takes a message apart; what is missing reads as zero, and pkg/sftp's
// server, which gets every such message that is not answered here, complains.
type fields []byte

func (b *fields) uint32() uint32 {
	if len(*b) < 4 {
		return 0
	}
	n := binary.BigEndian.Uint32(*b)
	*b = (*b)[4:]
	return n
}

func (b *fields) string() string {
	n := b.uint32()
	if uint64(n) > uint64(len(*b)) {
		return ""
	}
	s := string((*b)[:n])
	*b = (*b)[n:]
	return s
}
