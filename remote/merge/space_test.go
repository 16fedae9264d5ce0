package merge_test

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"sftpgate/remote/hosts"
	"sftpgate/remote/record"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/sshpool"
	"sftpgate/remote/staging"
)

const dir = "/srv/files"

func bytesOf(n int) []byte {
	p := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(p)
	return p
}

func onDisk(t *testing.T, size int64, gate ...func(remotetest.Op) error) (*remotetest.Disk, *upload) {
	t.Helper()
	return onDiskWith(t, "auto", size, gate...)
}

// onDiskFar is onDisk for a host that is far away.
func onDiskFar(t *testing.T, size int64) (*remotetest.Disk, *upload) {
	t.Helper()
	return onDiskAt(t, 50*time.Millisecond, "auto", size)
}

// onDiskWith is onDisk where hosts.yaml asks for an engine.
func onDiskWith(t *testing.T, engine string, size int64, gate ...func(remotetest.Op) error) (*remotetest.Disk, *upload) {
	t.Helper()
	return onDiskAt(t, 0, engine, size, gate...)
}

func onDiskAt(t *testing.T, trip time.Duration, engine string, size int64, gate ...func(remotetest.Op) error) (*remotetest.Disk, *upload) {
	t.Helper()
	d := remotetest.NewDisk()
	if err := d.MkdirAll(dir); err != nil {
		t.Fatal(err)
	}
	d.SetCapacity(64 << 20)
	h := hosts.Host{ID: "h", Address: "h.invalid", User: "u", KeyFile: "/none", KnownHosts: "/none", Roots: []string{dir}, Engine: engine}
	var o remotetest.ServerOptions
	for _, g := range gate {
		o.Gate = g
	}
	return d, newUpload(t, h, sshpool.Options{Dial: d.Dial(o), RTT: trip}, size)
}

func (u *upload) exactOn(d *remotetest.Disk, content []byte) {
	u.t.Helper()
	source, err := u.source()
	u.check(err)
	if got, err := d.ReadFile(source); err != nil || string(got) != string(content) {
		u.t.Errorf("the file is not what was sent: %v", err)
	}
}

func TestDiskFullInTheCopy(t *testing.T) {
	t.Parallel()
	for name, asked := range map[string]bool{"while chunks may come": false, "when the finish is asked for": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			diskFullInTheCopy(t, asked)
		})
	}
}

func diskFullInTheCopy(t *testing.T, asked bool) {
	const piece = 256 << 10
	content := bytesOf(4 * piece)
	d, u := onDisk(t, int64(len(content)))
	if asked { // far away chunks are left for the end then, unless their room is needed
		d, u = onDiskFar(t, int64(len(content)))
		u.finish()
	}
	var chunks []staging.Staged
	for off := 0; off < len(content); off += piece {
		chunks = append(chunks, u.commit(int64(off), content[off:off+piece]))
	}
	const kept = 1 << 20 // what a merge leaves free for its records
	d.SetCapacity(d.UsedBytes() + kept + piece/2)
	if _, err := u.merge(chunks...); !errors.Is(err, staging.ErrNoSpace) {
		t.Fatalf("got %v", err)
	}
	left, err := u.Chunks(u.ctx)
	u.check(err)
	if len(left) != 4 {
		t.Fatalf("%d of 4 chunks are left", len(left))
	}
	// With room for one chunk, each that is merged makes room for the next.
	d.SetCapacity(d.UsedBytes() + kept + piece + piece/2)
	_, err = u.merge(left...)
	u.check(err)
	u.exactOn(d, content)
}

// A full disk says nothing about an engine.
func TestDiskFullInTheSelfTest(t *testing.T) {
	t.Parallel()
	content := bytesOf(100_000)
	d, u := onDisk(t, int64(len(content)))
	a, b := u.commit(0, content[:60_000]), u.commit(60_000, content[60_000:])
	for _, room := range []int64{0, 100_000, 200_000} {
		d.SetCapacity(d.UsedBytes() + room)
		if _, err := u.merge(a, b); !errors.Is(err, staging.ErrNoSpace) {
			t.Errorf("%d bytes free: got %v", room, err)
		}
	}
	if _, ok := u.engines.Chosen(u.Host(), dir); ok {
		t.Error("an engine was chosen without a try")
	}
	d.SetCapacity(64 << 20)
	_, err := u.merge(a, b)
	u.check(err)
	u.exactOn(d, content)
}

// The one copy that an unproven writer makes necessary does not fit: what was
// copied is given back, so that there is room for what makes it fit.
func TestDiskFullInTheLastCopy(t *testing.T) {
	t.Parallel()
	content := bytesOf(3 << 20)
	d, u := onDisk(t, int64(len(content)))
	_, err := u.merge(u.commit(0, content[:1<<20]), u.commit(1<<20, content[1<<20:]))
	u.check(err)
	u.check(u.Advance(u.ctx, func(_ record.State, next *record.Record) error {
		next.Writers = append(next.Writers, record.Writer{Token: "another gateway's", Kind: "sftp"})
		return nil
	}))
	used := d.UsedBytes()
	d.SetCapacity(used + 1<<20)
	if _, err := u.source(); !errors.Is(err, staging.ErrNoSpace) {
		t.Fatalf("got %v", err)
	}
	if now := d.UsedBytes(); now > used {
		t.Errorf("%d bytes more are taken:\n%s", now-used, d.Tree())
	}
	d.SetCapacity(64 << 20)
	u.exactOn(d, content)
	if source, err := u.source(); err != nil || !strings.HasSuffix(source, "/part.1") {
		t.Errorf("the source is %s, %v", source, err)
	}
}

// The chunks that were left for the end make room for that copy.
func TestLastCopyHasTheRoomOfTheChunks(t *testing.T) {
	t.Parallel()
	content := bytesOf(3 << 20)
	d, u := onDisk(t, int64(len(content)))
	u.finish()
	_, err := u.merge(u.commit(0, content[:1<<20]), u.commit(1<<20, content[1<<20:]))
	u.check(err)
	u.check(u.Advance(u.ctx, func(_ record.State, next *record.Record) error {
		next.Writers = append(next.Writers, record.Writer{Token: "another gateway's", Kind: "sftp"})
		return nil
	}))
	d.SetCapacity(d.UsedBytes() + 2<<20)
	u.exactOn(d, content)
}
