package remotetest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pkg/sftp"

	"sftpgate/remote/hosts"
)

func filesDisk(t *testing.T) *Disk {
	t.Helper()
	d := NewDisk()
	ok(t, d.MkdirAll("/srv/files"))
	return d
}

// stepper lets operations through one by one, and knows who waits.
type stepper struct {
	waiting chan Op
	pass    map[string]chan error
}

func newStepper(clients ...string) *stepper {
	s := &stepper{waiting: make(chan Op, 100), pass: map[string]chan error{}}
	for _, c := range clients {
		s.pass[c] = make(chan error)
	}
	return s
}

func (s *stepper) gate(op Op) error {
	s.waiting <- op
	return <-s.pass[op.Client]
}

func TestGateInterleavesTwoClientsInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := filesDisk(t)
		s := newStepper("a", "b")
		errs := make(chan string, 2)
		for _, name := range []string{"a", "b"} {
			tr := must(d.Dial(ServerOptions{Client: name, Gate: func(op Op) error {
				if op.Kind != RenameNew {
					return nil
				}
				return s.gate(op)
			}})(context.Background(), hosts.Host{}))(t)
			defer tr.Close()
			ch := must(tr.Subsystem("sftp"))(t)
			c := must(sftp.NewClientPipe(ch, channelCloser{ch}))(t)
			go func() {
				f, err := c.Create("/srv/files/" + name)
				if err == nil {
					_, err = f.Write([]byte("from " + name))
				}
				if err == nil {
					err = c.Rename("/srv/files/"+name, "/srv/files/target")
				}
				errs <- fmt.Sprintf("%s %d", name, code(err))
			}()
		}
		synctest.Wait() // both stand before their renames
		if len(s.waiting) != 2 || len(d.Log()) != 6 {
			t.Fatalf("%d wait after %v", len(s.waiting), d.Log())
		}
		time.Sleep(time.Hour) // of the bubble's clock: nothing but the gate moves
		s.pass["b"] <- nil
		synctest.Wait()
		s.pass["a"] <- nil
		if got := <-errs + ", " + <-errs; got != "b 0, a 4" {
			t.Errorf("results %s, want b to win and a to be refused", got)
		}
		if b := must(d.ReadFile("/srv/files/target"))(t); string(b) != "from b" {
			t.Errorf("the target holds %q", b)
		}
	})
}

// channelCloser closes the input only, as pkg/sftp does over SSH.
type channelCloser struct {
	ch interface {
		io.Writer
		CloseWrite() error
	}
}

func (c channelCloser) Write(p []byte) (int, error) { return c.ch.Write(p) }
func (c channelCloser) Close() error                { return c.ch.CloseWrite() }

func TestRequestsAreDoneInOrderAndAfterTheClientIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := filesDisk(t)
		ok(t, d.WriteFile("/srv/files/f", []byte("....")))
		frozen := make(chan struct{})
		var seen []string
		tr := must(d.Dial(ServerOptions{Gate: func(op Op) error {
			seen = append(seen, op.String())
			if op.Kind == Write && op.Off == 0 {
				<-frozen
			}
			return nil
		}})(context.Background(), hosts.Host{}))(t)
		ch := must(tr.Subsystem("sftp"))(t)
		c := must(sftp.NewClientPipe(ch, ch))(t)
		f := must(c.OpenFile("/srv/files/f", os.O_RDWR))(t)
		results := make(chan error, 4)
		for i := range 4 {
			go func() {
				_, err := f.WriteAt([]byte{byte('a' + i)}, int64(i))
				results <- err
			}()
			synctest.Wait() // sent in this order
		}
		if err := tr.Ping(); err != nil {
			t.Errorf("a frozen sftp server stops the keepalive: %v", err)
		}
		if len(results) != 0 || !strings.Contains(seen[len(seen)-1], "[0, 1)") {
			t.Errorf("%d were answered while the first stood still: %v", len(results), seen)
		}
		ok(t, tr.Close())
		for range 4 {
			if err := <-results; err == nil {
				t.Error("a write succeeded without an answer")
			}
		}
		if tr.Ping() == nil || tr.Wait() == nil || ch.Wait() == nil {
			t.Error("a closed connection still answers")
		}
		if b := must(d.ReadFile("/srv/files/f"))(t); string(b) != "...." {
			t.Errorf("the frozen server wrote: %q", b)
		}
		close(frozen)
		synctest.Wait()
		if b := must(d.ReadFile("/srv/files/f"))(t); string(b) != "abcd" {
			t.Errorf("the woken server left %q, want the writes that had been sent", b)
		}
	})
}

func TestGateVerdicts(t *testing.T) {
	for _, x := range []struct {
		name    string
		verdict error
		done    bool
		want    uint32 // 1000: the connection is lost
	}{
		{"refused", &StatusError{Code: fxPermissionDenied, Msg: "no"}, false, fxPermissionDenied},
		{"disk full", syscall.ENOSPC, false, fxFailure},
		{"not there", syscall.ENOENT, false, fxNoSuchFile},
		{"anything else", errors.New("broken"), false, fxFailure},
		{"cut before", ErrCutBefore, false, 1000},
		{"cut after", ErrCutAfter, true, 1000},
	} {
		t.Run(x.name, func(t *testing.T) {
			d := filesDisk(t)
			c := diskHost(d, ServerOptions{Gate: func(op Op) error {
				if op.Kind == Mkdir {
					return x.verdict
				}
				return nil
			}}).client(t)
			wantCode(t, "mkdir", c.Mkdir("/srv/files/d"), x.want)
			if d.Exists("/srv/files/d") != x.done {
				t.Errorf("done: %v, want %v", !x.done, x.done)
			}
			if _, err := c.Stat("/srv/files"); (code(err) == 1000) != (x.want == 1000) {
				t.Errorf("the next request: %v", err)
			}
		})
	}
}

func TestDroppedReplyIsDoneAndNeverAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := filesDisk(t)
		tr := must(d.Dial(ServerOptions{Gate: func(op Op) error {
			if op.Kind == Mkdir {
				return ErrDropReply
			}
			return nil
		}})(context.Background(), hosts.Host{}))(t)
		ch := must(tr.Subsystem("sftp"))(t)
		c := must(sftp.NewClientPipe(ch, ch))(t)
		result := make(chan error, 1)
		go func() { result <- c.Mkdir("/srv/files/d") }()
		time.Sleep(time.Hour)
		if len(result) != 0 || !d.Exists("/srv/files/d") {
			t.Errorf("answered: %v, done: %v", len(result) != 0, d.Exists("/srv/files/d"))
		}
		must(c.Stat("/srv/files"))(t) // the connection lives
		ok(t, tr.Close())
		if <-result == nil {
			t.Error("the lost answer came")
		}
	})
}

func TestLesserServers(t *testing.T) {
	files := func(t *testing.T, o ServerOptions) (*Disk, *sftp.Client) {
		d := filesDisk(t)
		ok(t, d.WriteFile("/srv/files/a", []byte("a")))
		ok(t, d.WriteFile("/srv/files/b", []byte("b")))
		return d, diskHost(d, o).client(t)
	}
	const a, b, free = "/srv/files/a", "/srv/files/b", "/srv/files/free"
	t.Run("without extensions", func(t *testing.T) {
		_, c := files(t, ServerOptions{Deny: []string{"posix-rename@openssh.com", "fsync@openssh.com", "hardlink@openssh.com"}})
		for _, name := range []string{"posix-rename@openssh.com", "fsync@openssh.com"} {
			if _, offered := c.HasExtension(name); offered {
				t.Errorf("%s is offered", name)
			}
		}
		if _, offered := c.HasExtension("statvfs@openssh.com"); !offered {
			t.Error("statvfs is not offered")
		}
		wantCode(t, "posix-rename", c.PosixRename(a, b), fxOpUnsupported)
		wantCode(t, "hardlink", c.Link(a, free), fxOpUnsupported)
	})
	t.Run("rename overwrites", func(t *testing.T) {
		d, c := files(t, ServerOptions{RenameOverwrites: true})
		wantCode(t, "rename onto a file", c.Rename(a, b), fxOK)
		if got := brief(d); got != "/srv/ /srv/files/ /srv/files/b=a" {
			t.Error(got)
		}
	})
	t.Run("no hard links", func(t *testing.T) {
		d, c := files(t, ServerOptions{NoHardLinks: true})
		wantCode(t, "link", c.Link(a, free), fxPermissionDenied)
		wantCode(t, "rename onto a file", c.Rename(a, b), fxFailure)
		wantCode(t, "rename", c.Rename(a, free), fxOK)
		if got := brief(d); got != "/srv/ /srv/files/ /srv/files/b=b /srv/files/free=a" {
			t.Error(got)
		}
	})
	t.Run("directories do not open", func(t *testing.T) {
		_, c := files(t, ServerOptions{NoDirOpen: true})
		_, err := c.Open("/srv/files")
		wantCode(t, "open a directory", err, fxFailure)
		must(c.ReadDir("/srv/files"))(t)
	})
}

func TestLogNamesEveryMutation(t *testing.T) {
	d := filesDisk(t)
	c := diskHost(d, ServerOptions{Client: "gw"}).client(t)
	f := put(t, c, "/srv/files/a", "text")
	ok(t, f.Sync())
	ok(t, f.Chmod(0o600))
	ok(t, c.Rename("/srv/files/a", "/srv/files/b"))
	ok(t, c.PosixRename("/srv/files/b", "/srv/files/c"))
	must(c.Stat("/srv/files/c"))(t)
	if code(c.Remove("/srv/files/none")) == fxOK {
		t.Error("removed nothing")
	}
	var got []string
	for _, op := range d.Log() {
		got = append(got, op.String())
	}
	want := []string{
		`1 mkdir "/srv"`, `2 mkdir "/srv/files"`,
		`3 [gw] create "/srv/files/a" mode 0644`,
		`4 [gw] write "/srv/files/a" [0, 4)`,
		`5 [gw] fsync "/srv/files/a"`,
		`6 [gw] setstat "/srv/files/a" mode 0600`,
		`7 [gw] link "/srv/files/a" → "/srv/files/b"`,
		`8 [gw] remove "/srv/files/a" (renamed to "/srv/files/b")`,
		`9 [gw] rename "/srv/files/b" → "/srv/files/c"`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("log\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// raw speaks packets, for what pkg/sftp does not send.
type raw struct {
	t *testing.T
	r io.Reader
	w io.Writer
}

func (r raw) send(kind byte, id uint32, fill func(p packet) packet) {
	p := fill(newPacket(kind, id))
	binary.BigEndian.PutUint32(p, uint32(len(p)-4))
	_, _ = r.w.Write(p)
}

// answer returns the kind and the body after the id.
func (r raw) answer(id uint32) (byte, *decoder) {
	r.t.Helper()
	var head [4]byte
	must(io.ReadFull(r.r, head[:]))(r.t)
	b := make([]byte, binary.BigEndian.Uint32(head[:]))
	must(io.ReadFull(r.r, b))(r.t)
	d := &decoder{b: b[1:]}
	if got := d.uint32(); got != id {
		r.t.Fatalf("answer to %d, want to %d", got, id)
	}
	return b[0], d
}

func (r raw) status(id uint32) uint32 {
	r.t.Helper()
	kind, d := r.answer(id)
	if kind != fxpStatus {
		r.t.Fatalf("answer of type %d, want a status", kind)
	}
	return d.uint32()
}

func (r raw) open(id uint32, path string, flags uint32) string {
	r.t.Helper()
	r.send(fxpOpen, id, func(p packet) packet { return p.string(path).uint32(flags).uint32(0) })
	kind, d := r.answer(id)
	if kind != fxpHandle {
		r.t.Fatalf("open %s: answer of type %d", path, kind)
	}
	return string(d.bytes())
}

func startRaw(t *testing.T, h host) raw {
	t.Helper()
	in, out := h.open(t)
	r := raw{t: t, r: in, w: out}
	r.send(fxpInit, 3, func(p packet) packet { return p })
	if kind, _ := r.answer(3); kind != fxpVersion {
		t.Fatalf("answer of type %d, want the version", kind)
	}
	return r
}

func TestCopyDataLimitsAndBadHandles(t *testing.T) {
	onBoth(t, func(t *testing.T, h host) {
		r, c := startRaw(t, h), h.client(t)
		text := strings.Repeat("0123456789abcdef", 10_000)
		ok(t, put(t, c, h.root+"/chunk", "").Close())
		f := must(c.OpenFile(h.root+"/chunk", os.O_WRONLY))(t)
		must(f.ReadFrom(strings.NewReader(text)))(t)
		from := r.open(1, h.root+"/chunk", fxfRead)
		to := r.open(2, h.root+"/part", fxfWrite|fxfCreat)
		copyData := func(id uint32, from string, off, n uint64, to string, at uint64) uint32 {
			r.send(fxpExtended, id, func(p packet) packet {
				return p.string("copy-data").string(from).uint64(off).uint64(n).string(to).uint64(at)
			})
			return r.status(id)
		}
		for _, x := range []struct {
			what       string
			from, to   string
			off, n, at uint64
			want       uint32
		}{
			{"all", from, to, 0, 0, 7, fxOK},
			{"a part", from, to, 16, 16, 7 + uint64(len(text)), fxOK},
			{"nothing left", from, to, 1 << 40, 0, 0, fxOK},
			{"to itself", from, from, 0, 0, 0, fxFailure},
			{"from no handle", "none", to, 0, 0, 0, fxFailure},
		} {
			if got := copyData(10, x.from, x.off, x.n, x.to, x.at); got != x.want {
				t.Errorf("copy-data, %s: status %d, want %d", x.what, got, x.want)
			}
		}
		wantText(t, c, h.root+"/part", strings.Repeat("\x00", 7)+text+text[:16])

		r.send(fxpExtended, 20, func(p packet) packet { return p.string("limits@openssh.com") })
		if kind, d := r.answer(20); kind != fxpExtendedReply || d.uint64() != maxPacket || d.uint64() != maxData || d.uint64() != maxData {
			t.Error("other limits than OpenSSH's")
		}
		for kind, want := range map[byte]uint32{fxpClose: fxNoSuchFile, fxpRead: fxFailure, fxpFstat: fxFailure, fxpReaddir: fxFailure} {
			r.send(kind, 21, func(p packet) packet { return p.string("none").uint64(0).uint32(1) })
			if got := r.status(21); got != want {
				t.Errorf("request %d on no handle: status %d, want %d", kind, got, want)
			}
		}
		r.send(fxpOpendir, 30, func(p packet) packet { return p.string(h.root) })
		_, d := r.answer(30)
		list := string(d.bytes())
		r.send(fxpExtended, 31, func(p packet) packet { return p.string("fsync@openssh.com").string(list) })
		if got := r.status(31); got != fxNoSuchFile {
			t.Errorf("fsync of a listing: status %d, want %d", got, fxNoSuchFile)
		}
		r.send(fxpExtended, 32, func(p packet) packet { return p.string("none@example.org") })
		if got := r.status(32); got != fxOpUnsupported {
			t.Errorf("unknown extension: status %d, want %d", got, fxOpUnsupported)
		}
	})
}

func TestBadMessagesEndTheServer(t *testing.T) {
	onBoth(t, func(t *testing.T, h host) {
		for what, send := range map[string]func(r raw){
			"a NUL in a name":   func(r raw) { r.send(fxpStat, 1, func(p packet) packet { return p.string("/a\x00b") }) },
			"half a message":    func(r raw) { r.send(fxpStat, 1, func(p packet) packet { return p.uint32(100) }) },
			"more than 256 KiB": func(r raw) { _, _ = r.w.Write([]byte{0, 4, 0, 1, fxpStat}) },
		} {
			r := startRaw(t, h)
			send(r)
			if n, err := r.r.Read(make([]byte, 100)); err != io.EOF {
				t.Errorf("%s: %d bytes and %v, want the end", what, n, err)
			}
		}
	})
}
