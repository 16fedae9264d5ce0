package sshpool

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

// Packet sizes in bytes of payload: what every server must take
// (draft-ietf-secsh-filexfer-02, section 3), and OpenSSH's own limit.
const (
	safePacket = 32 << 10
	maxPacket  = 261120
)

const limitsName = "limits@openssh.com"

// handshakeResult is what the start of SFTP on a channel has shown.
type handshakeResult struct {
	version []byte        // the VERSION packet as it came
	packet  int           // payload of a READ or WRITE that the server takes
	rtt     time.Duration // one round trip
}

// handshake starts SFTP on ch. It is done here and not by the SFTP client to ask for
// the server's limits, and to say what is in the way when something else than
// SFTP answers.
func handshake(ch Channel) (handshakeResult, error) {
	began := time.Now()
	if _, err := ch.Write([]byte{0, 0, 0, 5, typeInit, 0, 0, 0, 3}); err != nil {
		return handshakeResult{}, fmt.Errorf("SFTP did not start: %w", err)
	}
	version, err := readPacket(ch)
	if err != nil {
		return handshakeResult{}, err
	}
	g := handshakeResult{version: version, packet: safePacket, rtt: time.Since(began)}
	if version[4] != typeVersion || len(version) < 9 {
		return handshakeResult{}, errors.New("the host's answer was not an SFTP version")
	}
	if v := binary.BigEndian.Uint32(version[5:9]); v != 3 {
		return handshakeResult{}, fmt.Errorf("the host speaks SFTP version %d, but only 3 is supported", v)
	}
	if !advertises(version[9:], limitsName) {
		return g, nil
	}
	began = time.Now()
	ask := binary.BigEndian.AppendUint32(nil, uint32(1+4+4+len(limitsName)))
	ask = append(ask, typeExtended, 0, 0, 0, 0, 0, 0, 0, byte(len(limitsName)))
	if _, err := ch.Write(append(ask, limitsName...)); err != nil {
		return handshakeResult{}, fmt.Errorf("SFTP did not start: %w", err)
	}
	answer, err := readPacket(ch)
	if err != nil {
		return handshakeResult{}, err
	}
	g.rtt = time.Since(began)
	// type, id, then max-packet-length, max-read-length, max-write-length,
	// max-open-handles (OpenSSH PROTOCOL, 4.8); zero is "not said".
	if answer[4] == typeExtendedReply && len(answer) >= 9+3*8 {
		read := binary.BigEndian.Uint64(answer[17:25])
		write := binary.BigEndian.Uint64(answer[25:33])
		if read > 0 && write > 0 {
			g.packet = int(max(1024, min(read, write, maxPacket))) // #nosec G115 -- at most maxPacket
		}
	}
	return g, nil
}

// readPacket reads one packet of the handshake, its length included.
func readPacket(r io.Reader) ([]byte, error) {
	head := make([]byte, 4)
	if n, err := io.ReadFull(r, head); err != nil {
		if n > 0 {
			return nil, notSFTPError(head[:n])
		}
		return nil, fmt.Errorf("SFTP did not start, the host closed the channel: is the sftp subsystem enabled in its sshd_config? (%w)", err)
	}
	length := binary.BigEndian.Uint32(head)
	if length == 0 || length > 256<<10 {
		more := make([]byte, 60)
		n, _ := r.Read(more)
		return nil, notSFTPError(append(head, more[:n]...))
	}
	p := make([]byte, 4+length)
	copy(p, head)
	if _, err := io.ReadFull(r, p[4:]); err != nil {
		return nil, fmt.Errorf("SFTP did not start: %w", err)
	}
	return p, nil
}

// notSFTPError is the error for text where a packet belongs.
func notSFTPError(text []byte) error {
	text, _, _ = bytes.Cut(bytes.TrimSpace(text), []byte("\n"))
	return fmt.Errorf("the host sent %q where SFTP was expected: the account's shell start-up files print something: "+
		"limit that to interactive shells (or set Subsystem sftp internal-sftp)", text)
}

// advertises looks for name among the extension pairs of a VERSION packet.
func advertises(pairs []byte, name string) bool {
	for {
		key, rest, ok := cutString(pairs)
		if !ok {
			return false
		}
		if string(key) == name {
			return true
		}
		if _, pairs, ok = cutString(rest); !ok {
			return false
		}
	}
}

func cutString(b []byte) (s, rest []byte, ok bool) {
	if len(b) < 4 {
		return nil, nil, false
	}
	n := binary.BigEndian.Uint32(b)
	if uint64(len(b)-4) < uint64(n) { // #nosec G115 -- at least 4, see above
		return nil, nil, false
	}
	return b[4 : 4+n], b[4+n:], true
}
