package copydata

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
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
var errAnswer = errors.New("the server's answer is malformed")

// request is a packet without its length and id: the type, then the fields.
type request []byte

func (r request) uint32(n uint32) request { return binary.BigEndian.AppendUint32(r, n) }
func (r request) uint64(n int64) request  { return binary.BigEndian.AppendUint64(r, uint64(n)) } // #nosec G115 -- offsets and lengths, not below 0
func (r request) string(s string) request { return append(r.uint32(uint32(len(s))), s...) }      // #nosec G115 -- names and handles

// appendTo makes it a packet at the end of out.
func (r request) appendTo(out []byte, id uint32) []byte {
	out = binary.BigEndian.AppendUint32(out, uint32(len(r)+4)) // #nosec G115 -- a few names
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
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
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
