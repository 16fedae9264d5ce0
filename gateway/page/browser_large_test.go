package page_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"sftpgate/gateway/browsertest"
	wait "sftpgate/remote/remotetest/await"
)

// reads has a page note how many bytes its scripts read of a file at once.
const reads = `
	window.largestRead = 0;
	const read = Blob.prototype.arrayBuffer;
	Blob.prototype.arrayBuffer = function () {
		window.largestRead = Math.max(window.largestRead, this.size);
		return read.call(this);
	};`

// Ten files of a GiB are listed and moving, and the page does not hold more of them the
// more of them has been sent; what is read at once is a chunk.
func TestTenFilesOfOneGiB(t *testing.T) {
	t.Parallel()
	s := serve(t, 0)
	dir, to := t.TempDir(), s.visitDir("large")
	const many, size = 10, 1 << 30
	var files []string
	for i := range many {
		files = append(files, sparse(t, filepath.Join(dir, fmt.Sprint(i, ".img")), size))
	}
	v := s.visitIn(browsertest.Shared(t).Window(t, desktop(), reads), to)
	v.send(files...)
	v.See(counted(0, many))
	v.See(`sftpgate-upload [part=overall]:has-text("10.0 GiB")`)
	v.See(row("0.img", "sending"))
	v.See(row("9.img", "queued"))
	after := func(n int64) int64 {
		wait.Until(t, "a part to be sent", func() bool { return s.sent() >= n })
		return v.Heap()
	}
	first := after(32 * mib)
	later := after(96 * mib)
	t.Logf("the page held %d bytes, and %d after 64 MiB more", first, later)
	if later > first+40*mib { // five bodies may be at hand just then
		t.Errorf("the page held %d bytes, and %d after 64 MiB more", first, later)
	}
	var largest int64
	if v.Evaluate("window.largestRead", &largest); largest == 0 || largest > 8*mib {
		t.Errorf("%d bytes were read at once", largest)
	}
	v.whole()
	v.Click(button("Cancel all"))
	v.See(row("0.img", "cancelled"))
	v.See(row("9.img", "cancelled"))
	wait.Until(t, "the staging to go", func() bool { return len(listed(t, to)) == 0 })
	t.Logf("on the console: %q", v.Complaints(away))
	v.whole(away, "status of 409") // what was on its way may be told that its upload was cancelled
}
