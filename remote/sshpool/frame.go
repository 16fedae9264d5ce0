package sshpool

import "encoding/binary"

// Packet types of SFTP version 3 (draft-ietf-secsh-filexfer-02) that matter here.
const (
	typeInit          = 1
	typeVersion       = 2
	typeWrite         = 6
	typeExtended      = 200
	typeExtendedReply = 201
)

const fsyncName = "fsync@openssh.com"

// headLength is as much of a packet as is looked at: length, type, id, and of an
// extended request the name as far as fsync's reaches.
const headLength = 4 + 1 + 4 + 4 + len(fsyncName)

// framer finds the packets in a stream of bytes that arrives in any pieces.
type framer struct {
	whole bool // tell of a packet at its end, not at its start

	head [headLength]byte
	got  int   // bytes of head that are filled
	left int64 // bytes of the packet still to come after those looked at
	now  packet
}

// packet is the start of one packet.
type packet struct {
	kind byte
	id   uint32
	sync bool // an fsync request
}

// feed looks through b and calls fn for each packet that it starts or completes.
func (f *framer) feed(b []byte, fn func(packet)) {
	for len(b) > 0 {
		if f.left > 0 {
			n := min(int64(len(b)), f.left)
			b = b[n:]
			if f.left -= n; f.left == 0 && f.whole {
				fn(f.now)
			}
			continue
		}
		want := f.want()
		n := copy(f.head[f.got:want], b)
		f.got += n
		b = b[n:]
		if f.got < want || want < f.want() {
			continue // the length is known only now, and there is more to look at
		}
		length := int64(binary.BigEndian.Uint32(f.head[:4]))
		f.left = length + 4 - int64(f.got)
		f.now = f.packet()
		f.got = 0
		if !f.whole || f.left == 0 {
			fn(f.now)
		}
	}
}

// want is how many bytes of the packet are looked at.
func (f *framer) want() int {
	if f.got < 4 {
		return 4
	}
	length := int64(binary.BigEndian.Uint32(f.head[:4]))
	return int(min(length+4, int64(headLength)))
}

func (f *framer) packet() packet {
	var p packet
	if f.got >= 5 {
		p.kind = f.head[4]
	}
	if f.got >= 9 {
		p.id = binary.BigEndian.Uint32(f.head[5:9])
	}
	p.sync = p.kind == typeExtended && f.got == headLength && string(f.head[13:]) == fsyncName
	return p
}
