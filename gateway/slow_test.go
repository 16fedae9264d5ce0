package gateway_test

import (
	"path"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sftpgate/remote/remotetest"
)

// Chunks that come over a slow link leave few records, and small ones, however long it
// takes: as many as there are chunks say what was merged, and no more.
func TestSlowUploadLeavesFewRecords(t *testing.T) {
	t.Parallel()
	for engine, o := range disksOfEveryKind {
		t.Run(engine, func(t *testing.T) {
			st := embedded(t)
			synctest.Test(t, func(t *testing.T) {
				d := emptyDisk(t)
				r := onDiskBy(t, engine, d, st, o)
				defer r.stop()
				const chunks, each = 130, 10
				content := noise(chunks * each)
				id := r.open(alice, "f", chunks*each).Upload.ID
				for i := range int64(chunks) {
					r.send(alice, id, content, i*each, each)
					time.Sleep(2400 * time.Millisecond)
					if i == 59 || i == chunks-1 {
						files, newest := records(t, d)
						t.Logf("after %d chunks: %d record files, the newest of %d bytes", i+1, files, newest)
						if files > 8 || newest > 4096+50*int(i-59) {
							t.Errorf("after %d chunks: %d record files, the newest of %d bytes", i+1, files, newest)
						}
					}
				}
				r.finish(alice, id)
				r.exactOn(d, content)
			})
		})
	}
}

// records counts the record files on a disk, and says how large the newest is.
func records(t *testing.T, d *remotetest.Disk) (files, newest int) {
	t.Helper()
	var top int64
	for name, e := range d.Snapshot() {
		number, ok := strings.CutPrefix(path.Base(name), "record.")
		if !ok {
			continue
		}
		seq, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		files++
		if seq > top {
			top, newest = seq, len(e.Data)
		}
	}
	return files, newest
}
