package copydata

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
)

// Packet types, flags and codes of SFTP version 3 (draft-ietf-secsh-filexfer-02).
const (
	typeInit, typeVersion                              = 1, 2
	typeOpen, typeClose, typeRead, typeFstat           = 3, 4, 5, 8
	typeStatus, typeHandle, typeData, typeAttrs        = 101, 102, 103, 105
	typeExtended                                       = 200
	flagRead, flagWrite                         uint32 = 1, 2

	codeOK, codeEOF, codeNoSuchFile, codePermissionDenied, codeUnsupported = 0, 1, 2, 3, 8

	attrSize, attrOwner, attrMode, attrTimes, attrExtended = 1, 2, 4, 8, 1 << 31
)

const (
	protocol   = 3
	maxHandle  = 256      // bytes (section 4)
	maxPiece   = 32 << 10 // bytes that every server gives to one READ (section 3)
	maxAnswer  = 64 << 10 // bytes of a packet that is answered here; the largest carries maxPiece
	maxMessage = 200      // bytes of a server's message that are repeated
)

// errAnswer marks what is no answer of an SFTP server to what was asked.
var errAnswer = errors.New("the server's answer makes no sense")

// StatusError is the server's refusal of a request. errors.Is finds
// fs.ErrNotExist and fs.ErrPermission in it.
type StatusError struct {
	Code uint32 // SSH_FX_…
	Msg  string // the server's words
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("the server answered %q (SFTP status %d)", e.Msg, e.Code)
}

// Is knows the two codes that have a name in Go.
func (e *StatusError) Is(target error) bool {
	return target == fs.ErrNotExist && e.Code == codeNoSuchFile || target == fs.ErrPermission && e.Code == codePermissionDenied
}

// request is a packet without its length and id: the type, then the fields.
type request []byte

func (r request) uint32(n uint32) request { return binary.BigEndian.AppendUint32(r, n) }
func (r request) uint64(n int64) request  { return binary.BigEndian.AppendUint64(r, uint64(n)) }
func (r request) string(s string) request { return append(r.uint32(uint32(len(s))), s...) }

// appendTo makes it a packet at the end of out.
func (r request) appendTo(out []byte, id uint32) []byte {
	out = binary.BigEndian.AppendUint32(out, uint32(len(r)+4))
	out = binary.BigEndian.AppendUint32(append(out, r[0]), id)
	return append(out, r[1:]...)
}

// answer is a packet from the server.
type answer struct {
	kind byte
	id   uint32 // of VERSION: the version
	body []byte
}

// readAnswer reads one packet. io.EOF is the end between two packets.
func readAnswer(r io.Reader) (answer, error) {
	var head [9]byte
	if _, err := io.ReadFull(r, head[:4]); err != nil {
		return answer{}, err
	}
	length := binary.BigEndian.Uint32(head[:4])
	if length < 5 || length > maxAnswer {
		return answer{}, fmt.Errorf("%w: a packet of %d bytes", errAnswer, length)
	}
	a := answer{body: make([]byte, length-5)}
	if _, err := io.ReadFull(r, head[4:]); err != nil {
		return answer{}, cutOff(err)
	}
	a.kind, a.id = head[4], binary.BigEndian.Uint32(head[5:])
	_, err := io.ReadFull(r, a.body)
	return a, cutOff(err)
}

func cutOff(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// status reads an answer that can only be a status; nil is SSH_FX_OK.
func (a answer) status() error {
	if a.kind != typeStatus {
		return fmt.Errorf("%w: a packet of type %d", errAnswer, a.kind)
	}
	f := fields{rest: a.body}
	e := &StatusError{Code: f.uint32()}
	if !f.end() { // servers older than version 3 give the code alone
		msg := f.string()
		e.Msg = string(msg[:min(len(msg), maxMessage)])
	}
	if !f.end() {
		f.string() // its language
	}
	switch {
	case !f.complete():
		return fmt.Errorf("%w: a broken status", errAnswer)
	case e.Code == codeOK:
		return nil
	}
	return e
}

// as opens the fields of an answer of one type; a status instead is the error
// that it tells.
func (a answer) as(kind byte) (fields, error) {
	if a.kind == kind {
		return fields{rest: a.body}, nil
	}
	err := a.status()
	if err == nil {
		err = fmt.Errorf("%w: success, and no more", errAnswer)
	}
	return fields{}, err
}

func (a answer) handle() (string, error) {
	f, err := a.as(typeHandle)
	if err != nil {
		return "", err
	}
	h := string(f.string())
	if !f.complete() || h == "" || len(h) > maxHandle {
		return "", fmt.Errorf("%w: a broken handle", errAnswer)
	}
	return h, nil
}

// data reads the answer to a READ of n bytes, n at least 1. None are the end of the file.
func (a answer) data(n int) ([]byte, error) {
	f, err := a.as(typeData)
	var status *StatusError
	if errors.As(err, &status) && status.Code == codeEOF {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	b := f.string()
	if !f.complete() || len(b) == 0 || len(b) > n {
		return nil, fmt.Errorf("%w: %d bytes to a READ of %d", errAnswer, len(b), n)
	}
	return b, nil
}

// size reads ATTRS for the length of a file.
func (a answer) size() (int64, error) {
	f, err := a.as(typeAttrs)
	if err != nil {
		return 0, err
	}
	flags := f.uint32()
	var size uint64
	if flags&attrSize != 0 {
		size = f.uint64()
	}
	for _, skip := range [...]struct{ flag, length uint32 }{{attrOwner, 8}, {attrMode, 4}, {attrTimes, 8}} {
		if flags&skip.flag != 0 {
			f.take(int(skip.length))
		}
	}
	if flags&attrExtended != 0 {
		for n := f.uint32(); n > 0 && !f.short; n-- {
			f.string()
			f.string()
		}
	}
	switch {
	case !f.complete() || size > math.MaxInt64:
		return 0, fmt.Errorf("%w: broken attributes", errAnswer)
	case flags&attrSize == 0:
		return 0, errors.New("the server does not tell how long a file is")
	}
	return int64(size), nil
}

// fields takes a packet apart. Behind its end everything is zero.
type fields struct {
	rest  []byte
	short bool // something was asked for that is not there
}

func (f *fields) take(n int) []byte {
	if f.short = f.short || n > len(f.rest); f.short {
		return make([]byte, 8)
	}
	b := f.rest[:n]
	f.rest = f.rest[n:]
	return b
}

func (f *fields) uint32() uint32 { return binary.BigEndian.Uint32(f.take(4)) }
func (f *fields) uint64() uint64 { return binary.BigEndian.Uint64(f.take(8)) }

func (f *fields) string() []byte {
	n := f.uint32()
	if f.short = f.short || uint64(n) > uint64(len(f.rest)); f.short {
		return nil
	}
	return f.take(int(n))
}

func (f *fields) end() bool { return f.short || len(f.rest) == 0 }

// complete: all that was asked for was there, and nothing is left.
func (f *fields) complete() bool { return !f.short && len(f.rest) == 0 }
