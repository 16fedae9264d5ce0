package merge_test

import (
	"bytes"
	"testing"
	"time"

	"sftpgate/remote/merge"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/sshpool"
	"sftpgate/remote/staging"
)

// Another gateway has merged all of the file meanwhile, cut differently, and this one
// has copied its chunks over that. By the records all of the file is merged; it is not
// what they say that is in the part, and it is not published as that.
func TestCheckpointRefusedWhereAllIsMerged(t *testing.T) {
	t.Parallel()
	host := remotetest.StartSSHD(t, remotetest.SSHDOptions{}).Host("h")
	u := newUpload(t, host, sshpool.Options{RTT: 50 * time.Millisecond}, 100) // far away no checkpoint comes in between
	u.finish()
	ours, theirs := bytes.Repeat([]byte("0123456789"), 10), bytes.Repeat([]byte("x"), 100)
	a, b := u.commit(0, ours[:60]), u.commit(60, ours[60:])
	others := []staging.Staged{u.commit(0, theirs[:50]), u.commit(50, theirs[50:])}
	m, err := merge.Begin(u.ctx, u.Generation, u.engines, quiet)
	u.check(err)
	other := u.another()
	if out, err := other.merge(others...); err != nil || len(out.Merged) != 2 {
		t.Fatal(out, err)
	}
	u.check(other.Pay(other.ctx))
	u.check(other.Free(u.ctx, others))

	for _, c := range []staging.Staged{a, b} {
		_, err := m.Round(u.ctx, []staging.Staged{c})
		u.check(err)
	}
	u.check(m.Close(u.ctx))
	before := u.State()
	source, err := u.source()
	u.check(err)
	_, err = u.Publish(u.ctx, staging.Publication{Source: source, Size: before.Meta.Size, Check: merge.NoNewWriter(before, u.State())})
	if !merge.Again(err) {
		t.Fatalf("of bytes that were copied over others: %v", err)
	}
	if err = merge.Recheck(u.ctx, u.Generation, err, quiet); !merge.Again(err) {
		t.Fatal(err)
	}
	if u.State().Covers(others[0].Chunk) || u.State().Covers(others[1].Chunk) {
		t.Errorf("what is not in the part is believed to be: %+v", u.State())
	}
}
