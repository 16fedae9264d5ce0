package copydata_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sftpgate/remote/copydata"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/remotetest/await"
	"sftpgate/remote/sshpool"
)

// script is a server that answers each request with what the test makes of it.
type script struct {
	*io.PipeReader // what it says
	in             *io.PipeWriter
	ended          chan struct{}
}

// startScript: answer is called with the type and id of each request but INIT,
// and returns whole packets; nil ends the server.
func startScript(answer func(kind byte, id uint32) []byte) *script {
	return startOn([]byte{0, 0, 0, 5, 2, 0, 0, 0, 3}, answer)
}

func startOn(version []byte, answer func(kind byte, id uint32) []byte) *script {
	in, requests := io.Pipe()
	out, w := io.Pipe()
	s := &script{out, requests, make(chan struct{})}
	go func() {
		defer close(s.ended)
		defer w.Close()
		if _, err := io.ReadFull(in, make([]byte, 9)); err != nil {
			return
		}
		_, _ = w.Write(version)
		for {
			var head [9]byte
			if _, err := io.ReadFull(in, head[:]); err != nil {
				return
			}
			_, _ = io.CopyN(io.Discard, in, int64(binary.BigEndian.Uint32(head[:]))-5)
			said := answer(head[4], binary.BigEndian.Uint32(head[5:]))
			if said == nil {
				return
			}
			_, _ = w.Write(said)
		}
	}()
	return s
}

func (s *script) Write(b []byte) (int, error) { return s.in.Write(b) }
func (s *script) CloseWrite() error           { return s.in.Close() }
func (s *script) Close() error                { return errors.Join(s.in.Close(), s.PipeReader.Close()) }
func (s *script) Wait() error                 { <-s.ended; return errors.New("exit status 7") }

func packet(kind byte, id uint32, fields ...any) []byte {
	p := binary.BigEndian.AppendUint32([]byte{0, 0, 0, 0, kind}, id)
	for _, f := range fields {
		switch f := f.(type) {
		case string:
			p = append(binary.BigEndian.AppendUint32(p, uint32(len(f))), f...)
		case int:
			p = binary.BigEndian.AppendUint32(p, uint32(f))
		case int64:
			p = binary.BigEndian.AppendUint64(p, uint64(f))
		}
	}
	binary.BigEndian.PutUint32(p, uint32(len(p)-4))
	return p
}

// wellBehaved answers like a server on which every file is "abc" and every copy
// does.
func wellBehaved(kind byte, id uint32) []byte {
	switch kind {
	case 3: // OPEN
		return packet(102, id, "h")
	case 5: // READ
		return packet(103, id, "abc")
	case 8: // FSTAT
		return packet(105, id, 1, int64(3))
	}
	return packet(101, id, 0, "Success", "")
}

// Whatever a server says that is no answer ends the client, and Close says so:
// nobody knows what such a server is doing.
func TestAnswersThatMakeNoSense(t *testing.T) {
	for name, c := range map[string]struct {
		to   byte // the request
		says func(id uint32) []byte
	}{
		"another id":              {3, func(id uint32) []byte { return packet(102, id+1, "h") }},
		"an id of before":         {8, func(id uint32) []byte { return packet(105, id-1, 1, int64(3)) }},
		"two answers":             {3, func(id uint32) []byte { return append(packet(102, id, "h"), packet(102, id, "h")...) }},
		"two to the last":         {4, func(id uint32) []byte { p := packet(101, id, 0, "", ""); return append(p, p...) }},
		"a version":               {3, func(id uint32) []byte { return packet(2, id) }},
		"another type":            {3, func(id uint32) []byte { return packet(105, id, 1, int64(3)) }},
		"an unknown type":         {200, func(id uint32) []byte { return packet(77, id) }},
		"success without handle":  {3, func(id uint32) []byte { return packet(101, id, 0, "", "") }},
		"an empty handle":         {3, func(id uint32) []byte { return packet(102, id, "") }},
		"a long handle":           {3, func(id uint32) []byte { return packet(102, id, strings.Repeat("h", 257)) }},
		"more behind the handle":  {3, func(id uint32) []byte { return packet(102, id, "h", 0) }},
		"more data than asked":    {5, func(id uint32) []byte { return packet(103, id, "abcd") }},
		"no data":                 {5, func(id uint32) []byte { return packet(103, id, "") }},
		"data shorter than said":  {5, func(id uint32) []byte { return append([]byte{0, 0, 0, 11}, packet(103, id, "abc")[4:15]...) }},
		"attributes cut off":      {8, func(id uint32) []byte { return packet(105, id, 1, 3) }},
		"attributes too long":     {8, func(id uint32) []byte { return packet(105, id, 1, int64(3), 4) }},
		"a length below zero":     {8, func(id uint32) []byte { return packet(105, id, 1, int64(-1)) }},
		"four billion attributes": {8, func(id uint32) []byte { return packet(105, id, -1<<31|1, int64(3), -1) }},
		"a status cut off":        {200, func(id uint32) []byte { return packet(101, id) }},
		"a handle for a copy":     {200, func(id uint32) []byte { return packet(102, id, "h") }},
		"no length":               {3, func(uint32) []byte { return []byte{0, 0, 0, 0, 0} }},
		"a huge packet":           {3, func(uint32) []byte { return []byte{0x7f, 0xff, 0xff, 0xff, 102} }},
		"text":                    {3, func(uint32) []byte { return []byte("Connection to the disk was lost\n") }},
		"half a packet":           {200, func(id uint32) []byte { return append([]byte{0, 0, 0, 99}, packet(101, id)[4:]...) }},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, giveUp := context.WithCancel(await.Context(t))
			ch := startScript(func(kind byte, id uint32) []byte {
				if kind != c.to {
					return wellBehaved(kind, id)
				}
				if name == "half a packet" { // the rest never comes: only the caller's patience ends it
					defer giveUp()
				}
				return c.says(id)
			})
			client, err := copydata.Start(ctx, ch)
			if err != nil {
				t.Fatal(err)
			}
			err = client.Copy(ctx, "from", 3, "part", 0)
			for range 2 { // an answer too many is met by the next request
				if err == nil {
					err = client.Copy(ctx, "from", 3, "part", 0)
				}
			}
			if err == nil || client.Err() == nil {
				t.Fatalf("the client goes on: %v", err)
			}
			if again := client.Copy(t.Context(), "from", 3, "part", 0); !errors.Is(again, client.Err()) {
				t.Errorf("afterwards: %v", again)
			}
			if client.Close() == nil {
				t.Error("Close says that the server has nothing left to do")
			}
		})
	}
}

func TestWhatServersMayLeaveOut(t *testing.T) {
	for name, says := range map[string]func(kind byte, id uint32) []byte{
		"status without words": func(kind byte, id uint32) []byte {
			if p := wellBehaved(kind, id); p[4] != 101 {
				return p
			}
			return packet(101, id, 0)
		},
		"attributes of every kind": func(kind byte, id uint32) []byte {
			if kind == 8 {
				return packet(105, id, -1<<31|15, int64(8), 0, 0, 0o100644, 1, 2, 1, "name", "value")
			}
			if kind == 5 {
				return packet(103, id, "12345678")
			}
			return wellBehaved(kind, id)
		},
	} {
		client, err := copydata.Start(t.Context(), startScript(says))
		if err != nil {
			t.Fatal(err)
		}
		length := map[bool]int64{true: 8, false: 3}[name == "attributes of every kind"]
		if err := errors.Join(client.Copy(t.Context(), "from", length, "part", 0), client.Close()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	client, err := copydata.Start(t.Context(), startScript(func(kind byte, id uint32) []byte {
		if kind == 8 {
			return packet(105, id, 0)
		}
		return wellBehaved(kind, id)
	}))
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Copy(t.Context(), "from", 3, "part", 0); err == nil {
		t.Error("a file without a length was copied")
	}
}

func TestStart(t *testing.T) {
	for name, version := range map[string][]byte{
		"another version": {0, 0, 0, 5, 2, 0, 0, 0, 6},
		"a status":        packet(101, 0, 4, "no", ""),
		"text":            []byte("Welcome to this machine!\n"),
	} {
		ch := startOn(version, wellBehaved)
		if _, err := copydata.Start(t.Context(), ch); err == nil {
			t.Errorf("%s: started", name)
		}
		if _, err := ch.Write([]byte("x")); err == nil {
			t.Errorf("%s: the channel is left open", name)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		silent := startOn(nil, wellBehaved)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := copydata.Start(ctx, silent); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a silent server: %v", err)
		}
	})
}

// The copy runs while the caller gives up, or the server dies.
func TestCopyThatDoesNotEnd(t *testing.T) {
	copying, hold := make(chan struct{}), make(chan struct{})
	defer close(hold)
	var armed atomic.Bool
	armed.Store(true)
	_, h := onDisk(t, remotetest.ServerOptions{Gate: func(op remotetest.Op) error {
		if op.Kind == remotetest.Write && op.Path2 != "" && armed.CompareAndSwap(true, false) {
			close(copying)
			<-hold
		}
		return nil
	}})
	from, part := h.write("chunk", 0, noise(100_000)), h.write("part", 0, nil)
	ctx, cancel := context.WithCancelCause(h.ctx)
	go func() { <-copying; cancel(errors.New("enough")) }()
	if err := h.Copy(ctx, from, 100_000, part, 0); err == nil || !strings.Contains(err.Error(), "enough") {
		t.Fatalf("got %v", err)
	}
	if h.Close() == nil {
		t.Error("Close says that nothing is written any more")
	}
}

func TestServerThatDies(t *testing.T) {
	for _, at := range []byte{3, 4, 5, 8, 200} {
		ch := startScript(func(kind byte, id uint32) []byte {
			if kind == at {
				return nil
			}
			return wellBehaved(kind, id)
		})
		client, err := copydata.Start(t.Context(), ch)
		if err != nil {
			t.Fatal(err)
		}
		err = client.Copy(t.Context(), "from", 3, "part", 0)
		if err == nil || !strings.Contains(err.Error(), "ended") || !strings.Contains(err.Error(), "exit status 7") || client.Close() == nil {
			t.Errorf("at request %d: %v", at, err)
		}
	}
}

// The whole connection goes, and the error is the host's.
func TestConnectionThatDies(t *testing.T) {
	s, h := onSSHD(t, remotetest.SSHDOptions{})
	from, part := h.write("chunk", 0, noise(10)), h.write("part", 0, nil)
	h.check(h.Copy(h.ctx, from, 10, part, 0))
	s.Stop()
	err := h.Copy(h.ctx, from, 10, part, 0)
	var host *sshpool.Error
	if !errors.As(err, &host) || h.Close() == nil {
		t.Fatalf("got %v", err)
	}
}

// What a server has left unwritten may come to light when the part is closed.
func TestCloseThatFails(t *testing.T) {
	_, h := onDisk(t, remotetest.ServerOptions{Gate: func(op remotetest.Op) error {
		if op.Kind == remotetest.Close && strings.HasSuffix(op.Path, "/part") && op.Client == "" {
			return &remotetest.StatusError{Code: 4, Msg: "quota"}
		}
		return nil
	}})
	h.write("chunk", 0, noise(10))
	f, err := h.sftp().Create(h.path("part"))
	h.check(err)
	_ = f.Close()
	h.check(h.Copy(h.ctx, h.path("chunk"), 10, h.path("part"), 0))
	var status *copydata.StatusError
	if err := h.Close(); !errors.As(err, &status) || status.Msg != "quota" {
		t.Fatalf("got %v", err)
	}
}

// An answer may be as long as it is allowed to be, and no allocation is larger.
func TestMessagesAreBounded(t *testing.T) {
	words := strings.Repeat("é", 20_000)
	client, err := copydata.Start(t.Context(), startScript(func(_ byte, id uint32) []byte { return packet(101, id, 4, words, "") }))
	if err != nil {
		t.Fatal(err)
	}
	err = client.Copy(t.Context(), "from", 3, "part", 0)
	var status *copydata.StatusError
	if !errors.As(err, &status) || len(status.Msg) > 200 || !bytes.HasPrefix([]byte(words), []byte(status.Msg)) {
		t.Errorf("got %.300v", err)
	}
}
