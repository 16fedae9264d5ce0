package sshpool

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
)

// said is a channel to a host that says just this.
type said struct {
	io.Reader
	heard bytes.Buffer
}

func (s *said) Write(b []byte) (int, error) { return s.heard.Write(b) }
func (s *said) CloseWrite() error           { return nil }
func (s *said) Close() error                { return nil }
func (s *said) Wait() error                 { return nil }

func versionPacket(version uint32, pairs ...string) string {
	b := binary.BigEndian.AppendUint32([]byte{typeVersion}, version)
	for _, p := range pairs {
		b = append(b, sshString(p)...)
	}
	return sshString(string(b))
}

func limitsReply(values ...uint64) string {
	b := []byte{typeExtendedReply, 0, 0, 0, 0}
	for _, v := range values {
		b = binary.BigEndian.AppendUint64(b, v)
	}
	return sshString(string(b))
}

func TestHandshakeReadsServerLimits(t *testing.T) {
	const limits = "limits@openssh.com"
	for name, c := range map[string]struct {
		says   string
		packet int
	}{
		"none":           {versionPacket(3), safePacket},
		"others":         {versionPacket(3, "fsync@openssh.com", "1"), safePacket},
		"OpenSSH":        {versionPacket(3, "x", "1", limits, "1") + limitsReply(262144, 261120, 261120, 1019), 261120},
		"small":          {versionPacket(3, limits, "1") + limitsReply(34000, 32768, 16384, 100), 16384},
		"huge":           {versionPacket(3, limits, "1") + limitsReply(1<<40, 1<<62, 1<<63, 0), 261120},
		"not said":       {versionPacket(3, limits, "1") + limitsReply(0, 0, 0, 0), safePacket},
		"refused":        {versionPacket(3, limits, "1") + sshString("\x65\x00\x00\x00\x00\x00\x00\x00\x08"), safePacket},
		"cut pairs":      {versionPacket(3)[:9] + "", safePacket},
		"broken pairs":   {sshString(string([]byte{typeVersion, 0, 0, 0, 3, 255, 255, 255, 255, 1})), safePacket},
		"short of words": {versionPacket(3, limits, "1") + sshString(string([]byte{typeExtendedReply, 0, 0, 0, 0, 1})), safePacket},
	} {
		t.Run(name, func(t *testing.T) {
			ch := &said{Reader: strings.NewReader(c.says)}
			g, err := handshake(ch)
			if err != nil || g.packet != c.packet {
				t.Fatalf("%d, %v", g.packet, err)
			}
			if !bytes.HasPrefix(ch.heard.Bytes(), []byte{0, 0, 0, 5, 1, 0, 0, 0, 3}) || !strings.HasPrefix(c.says, string(g.version)) {
				t.Error("the handshake is not what it says")
			}
		})
	}
}

// Whatever answers instead of SFTP is told, with what to do.
func TestHandshakeExplainsNoise(t *testing.T) {
	for says, want := range map[string]string{
		"Welcome to web-1!\nmotd": `"Welcome to web-1!" where SFTP was expected: the account's shell start-up files print something`,
		"hi":                      `"hi"`,
		"":                        "is the sftp subsystem enabled",
		versionPacket(6):          "version 6",
		sshString("\x65abcdefgh"): "not an SFTP version",
		versionPacket(3)[:7]:      "did not start",
		"\x00\x00\x00\x00":        "where SFTP was expected",
	} {
		if _, err := handshake(&said{Reader: strings.NewReader(says)}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", says, err)
		}
	}
}

// closedBehind is a channel that takes nothing any more, as one of SSH does whose
// other end has gone: it says EOF.
type closedBehind struct{ *said }

func (closedBehind) Write([]byte) (int, error) { return 0, io.EOF }

// A write that the host never got must not end like a file that is written to its
// end: pkg/sftp's ReadFrom takes EOF for that.
func TestWriteToClosedChannelIsNoEnd(t *testing.T) {
	var told error
	p := newPipe(closedBehind{}, func(err error) { told = err })
	_, err := p.Write([]byte("x"))
	if !isLost(err) || errors.Is(err, io.EOF) || told != io.EOF {
		t.Errorf("%v, told %v", err, told)
	}
}
