package sshpool

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

func sftpPacket(kind byte, id uint32, rest string) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(5+len(rest)))
	b = append(b, kind)
	return append(binary.BigEndian.AppendUint32(b, id), rest...)
}

func sshString(s string) string {
	return string(binary.BigEndian.AppendUint32(nil, uint32(len(s)))) + s
}

// However the stream is cut, the same packets are seen.
func TestFramer(t *testing.T) {
	t.Parallel()
	var stream []byte
	want := ""
	for i, p := range []struct {
		kind byte
		rest string
		sync bool
	}{
		{6, strings.Repeat("x", 70000), false}, {200, sshString(fsyncName) + sshString("h"), true}, {4, "", false},
		{200, sshString("statvfs@openssh.com") + sshString("/"), false}, {200, sshString("fsync@openssh.co"), false},
		{17, sshString("/a path that holds fsync@openssh.com"), false}, {200, sshString(fsyncName), true}, {101, "x", false},
	} {
		stream = append(stream, sftpPacket(p.kind, uint32(i), p.rest)...)
		want += fmt.Sprint(p.kind, i, p.sync, " ")
	}
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 0))
		for _, whole := range []bool{false, true} {
			f, got := framer{whole: whole}, ""
			for rest := stream; len(rest) > 0; {
				n := min(len(rest), 1+r.IntN(1+int(seed)))
				f.feed(rest[:n], func(p packet) { got += fmt.Sprint(p.kind, p.id, p.sync, " ") })
				rest = rest[n:]
			}
			if got != want {
				t.Fatalf("seed %d, whole %v:\n got %s\nwant %s", seed, whole, got, want)
			}
		}
	}
}

// A response counts when its last byte is there, a request with its first ones.
func TestFramerMoments(t *testing.T) {
	p := sftpPacket(103, 7, strings.Repeat("x", 1000))
	seen := 0
	request, response := framer{}, framer{whole: true}
	request.feed(p[:100], func(packet) { seen++ })
	if seen != 1 {
		t.Error("a request that is on its way is not counted")
	}
	response.feed(p[:len(p)-1], func(packet) { seen++ })
	if seen != 1 {
		t.Error("half a response is counted as one")
	}
	response.feed(p[len(p)-1:], func(packet) { seen++ })
	if seen != 2 {
		t.Error("a whole response is not counted")
	}
}

// Nothing that a host sends makes the reader panic, or lose bytes.
func FuzzFramer(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0}, uint8(1))
	f.Add(sftpPacket(200, 1, sshString(fsyncName)), uint8(3))
	f.Add([]byte{255, 255, 255, 255, 1, 2, 3}, uint8(2))
	f.Fuzz(func(t *testing.T, data []byte, step uint8) {
		for _, whole := range []bool{false, true} {
			one, many := "", ""
			a, b := framer{whole: whole}, framer{whole: whole}
			a.feed(data, func(p packet) { one += fmt.Sprint(p) })
			for rest := data; len(rest) > 0; {
				n := min(len(rest), 1+int(step))
				b.feed(rest[:n], func(p packet) { many += fmt.Sprint(p) })
				rest = rest[n:]
			}
			if one != many {
				t.Fatalf("%s\n%s", one, many)
			}
		}
	})
}
