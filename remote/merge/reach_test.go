package merge_test

import (
	"syscall"
	"testing"

	"sftpgate/remote/merge"
	"sftpgate/remote/record"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/staging"
)

// As on FAT, or under a limit of file sizes: no byte goes beyond 4 GiB.
func upTo4GiB(op remotetest.Op) error {
	if op.Kind == remotetest.Write && op.Off+op.Len > 1<<32-1 {
		return syscall.EFBIG
	}
	return nil
}

// An engine proves what the file needs, and nothing that only longer files do.
func TestShortFilesWhereThereAreNoLongOnes(t *testing.T) {
	t.Parallel()
	content := bytesOf(100_000)
	for what, size := range map[string]int64{"declared": int64(len(content)), "not declared": record.Unknown} {
		t.Run(what, func(t *testing.T) {
			d, u := onDisk(t, size, upTo4GiB)
			_, err := u.merge(u.commit(0, content[:60_000]), u.commit(60_000, content[60_000:]))
			u.check(err)
			for _, op := range d.Log() {
				if op.Kind == remotetest.Write && op.Off >= 1<<32 {
					t.Errorf("%+v", op)
				}
			}
		})
	}
}

// An upload whose size is not known turns out to be a long one: the engine proves
// itself for that before the bytes beyond 4 GiB are copied.
func TestUploadTurnsOutToBeLong(t *testing.T) {
	t.Parallel()
	content := bytesOf(100_000)
	d, u := onDisk(t, record.Unknown)
	m, err := merge.Begin(u.ctx, u.Generation, u.engines, quiet)
	u.check(err)
	_, err = m.Round(u.ctx, []staging.Staged{u.commit(0, content)})
	u.check(err)
	far := u.commit(1<<32+5, content)
	if _, err := m.Round(u.ctx, []staging.Staged{far}); !merge.Again(err) {
		t.Fatalf("it was copied by an engine that has not proved so much: %v", err)
	}
	u.check(m.Close(u.ctx))
	before := len(d.Log())
	_, err = u.merge(far)
	u.check(err)
	proved := false
	for _, op := range d.Log()[before:] {
		proved = proved || op.Kind == remotetest.Write && op.Off >= 1<<32
	}
	if !proved || u.State().Merged.Bytes() != 2*int64(len(content)) {
		t.Errorf("proved: %v, merged: %v", proved, u.State().Merged)
	}
}
