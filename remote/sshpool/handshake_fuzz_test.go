package sshpool

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzHandshake: whatever answers instead of SFTP, the packets agreed on are of a
// size that both take, the bytes handed on are those that came, and an error is
// one short line.
func FuzzHandshake(f *testing.F) {
	f.Add([]byte(versionPacket(3, "limits@openssh.com", "1") + limitsReply(262144, 261120, 261120, 1019)))
	f.Add([]byte(versionPacket(6)))
	f.Add([]byte("This account is currently not available.\n"))
	f.Fuzz(func(t *testing.T, says []byte) {
		g, err := handshake(&said{Reader: bytes.NewReader(says)})
		if err != nil {
			if text := err.Error(); len(text) > 1000 || !utf8.ValidString(text) || strings.ContainsAny(text, "\r\n\x1b\x00") {
				t.Fatalf("%q", text)
			}
			return
		}
		if g.packet < 1024 || g.packet > maxPacket || !bytes.HasPrefix(says, g.version) || len(g.version) < 9 {
			t.Fatalf("%+v", g)
		}
	})
}
