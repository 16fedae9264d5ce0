package sshpool

import (
	"bytes"
	"encoding/binary"
	"io"
	"strings"
	"testing"
)

// farEnd is a channel that takes whatever is written, and gives the same bytes
// again and again, at most one SSH packet at a time.
type farEnd struct {
	gives []byte
	at    int
}

func (f *farEnd) Write(b []byte) (int, error) { return len(b), nil }

func (f *farEnd) Read(b []byte) (int, error) {
	n := copy(b[:min(len(b), pieceSize)], f.gives[f.at:])
	f.at = (f.at + n) % len(f.gives)
	return n, nil
}

func (f *farEnd) CloseWrite() error { return nil }
func (f *farEnd) Close() error      { return nil }
func (f *farEnd) Wait() error       { return nil }

// Packets as they are while a file is sent: a WRITE as the SFTP client hands it
// over, its head and its bytes apart, and a STATUS that says OK.
var (
	writeHead   = binary.BigEndian.AppendUint32(sftpPacket(6, 1, sshString("\x00\x00\x00\x07")+strings.Repeat("\x00", 8)), maxPacket)
	writeData   = bytes.Repeat([]byte{0x5a}, maxPacket)
	statusOK    = sftpPacket(101, 1, "\x00\x00\x00\x00"+sshString("Success")+sshString(""))
	readAnswer  = sftpPacket(103, 1, sshString(string(writeData)))
	fsyncAsked  = sftpPacket(typeExtended, 1, sshString(fsyncName)+sshString("\x00\x00\x00\x07"))
	packetSpace = make([]byte, len(readAnswer))
)

func init() {
	binary.BigEndian.PutUint32(writeHead, uint32(len(writeHead)-4+maxPacket))
}

func pipeTo(answer []byte) *pipe {
	p := newPipe(&farEnd{gives: answer}, func(error) {})
	p.traffic = &traffic{}
	return p
}

// sendPacket writes a packet in the pieces that the SFTP client makes.
func sendPacket(t testing.TB, p *pipe, pieces ...[]byte) {
	for _, piece := range pieces {
		if n, err := p.Write(piece); n != len(piece) || err != nil {
			t.Fatal(n, err)
		}
	}
}

// receive reads a packet as the SFTP client does: its length, then the rest.
func receive(t testing.TB, p *pipe) {
	if _, err := io.ReadFull(p, packetSpace[:4]); err != nil {
		t.Fatal(err)
	}
	rest := packetSpace[4 : 4+binary.BigEndian.Uint32(packetSpace)]
	if _, err := io.ReadFull(p, rest); err != nil {
		t.Fatal(err)
	}
}

// BenchmarkPipe is what each packet costs between the SFTP client and SSH: one
// of 255 KiB to the host and its answer, and one with as much from the host.
func BenchmarkPipe(b *testing.B) {
	for what, answer := range map[string][]byte{"write": statusOK, "read": readAnswer} {
		b.Run(what, func(b *testing.B) {
			p := pipeTo(answer)
			b.ReportAllocs()
			b.SetBytes(maxPacket)
			for b.Loop() {
				if what == "write" {
					sendPacket(b, p, writeHead, writeData)
				}
				receive(b, p)
			}
		})
	}
}

// No packet on its way to the host or from it makes garbage.
func TestPipeAllocatesNothing(t *testing.T) {
	for what, pass := range map[string]func(*pipe){
		"a write and its answer":  func(p *pipe) { sendPacket(t, p, writeHead, writeData); receive(t, p) },
		"an fsync and its answer": func(p *pipe) { sendPacket(t, p, fsyncAsked); receive(t, p) },
		"a packet byte by byte": func(p *pipe) {
			for i := range fsyncAsked {
				sendPacket(t, p, fsyncAsked[i:i+1])
			}
			receive(t, p)
		},
	} {
		p := pipeTo(statusOK)
		if n := testing.AllocsPerRun(100, func() { pass(p) }); n != 0 {
			t.Errorf("%s: %v allocations", what, n)
		}
		if waiting, syncing := p.load(); waiting != 0 || syncing {
			t.Errorf("%s: %d requests are outstanding", what, waiting)
		}
	}
	p := pipeTo(readAnswer)
	if n := testing.AllocsPerRun(100, func() { receive(t, p) }); n != 0 {
		t.Errorf("a packet from the host: %v allocations", n)
	}
}
