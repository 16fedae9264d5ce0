package staging

import (
	"context"
	"errors"
	"io/fs"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pkg/sftp"

	"sftpgate/remote/sshpool"
)

// dirBatch is what those share who put small files into one directory at the same
// time: what is looked at there, and the fsync of the directory.
type dirBatch struct {
	host    *Host
	at      dirBatchKey
	target  Target // without a Name
	lanes   int    // runs at once
	surveys groupCommit[int64]
	names   *dirSync
	users   int // guarded by bursts.mu
}

type dirBatchKey struct {
	dir     string
	version uint64 // of the way to the host
}

type dirBatches struct {
	mu  sync.Mutex
	all map[dirBatchKey]*dirBatch
	// born is the mode that a file was last made with on the host, 0 before that is known.
	born atomic.Uint32
}

// maxConcurrentRuns is how many runs there are at once at most: at a distance one who
// comes too late for a run waits a part of the round trip, not all of it.
const maxConcurrentRuns = 4

// maxRuns is how many runs are worth while at the host's distance.
func (h *Host) maxRuns() int {
	conns, _ := h.pool.BodyWindow(blockSize)
	return min(conns, maxConcurrentRuns)
}

// joinDirBatch joins those who are at work in t's directory. It must be left.
func (h *Host) joinDirBatch(t Target, can sshpool.Abilities) *dirBatch {
	at := dirBatchKey{t.Dir, h.pool.RouteVersion()}
	t.Name = ""
	lanes := h.maxRuns()
	h.bursts.mu.Lock()
	defer h.bursts.mu.Unlock()
	if h.bursts.all == nil {
		h.bursts.all = map[dirBatchKey]*dirBatch{}
	}
	b := h.bursts.all[at]
	if b == nil {
		b = &dirBatch{host: h, at: at, target: t, lanes: lanes}
		b.names = &dirSync{host: h, can: can, dir: t.Dir, lanes: lanes, gather: b.gatherDelay}
		h.bursts.all[at] = b
	}
	b.users++
	return b
}

func (b *dirBatch) leave() {
	all := &b.host.bursts
	all.mu.Lock()
	defer all.mu.Unlock()
	if b.users--; b.users == 0 {
		delete(all.all, b.at)
	}
}

// gatherDelay is how long what is shared near the host waits for others: there it is
// not the round trips that cost but the work of each request, on both sides.
const gatherDelay = time.Millisecond

// crowdSize is how many in a burst make that worth while.
const crowdSize = 4

func (b *dirBatch) gatherDelay() time.Duration {
	b.host.bursts.mu.Lock()
	defer b.host.bursts.mu.Unlock()
	if b.lanes > 1 || b.users < crowdSize {
		return 0
	}
	return gatherDelay
}

// checkDir makes sure, as stands does, that no symbolic link was put on the way to
// the directory, and says how much may still be written there, as Free does. It
// looked after it was called.
func (b *dirBatch) checkDir(ctx context.Context) (free int64, err error) {
	return b.surveys.join(ctx, b.lanes, b.gatherDelay(), func(ctx context.Context, _ int) (free int64, err error) {
		began := time.Now()
		err = b.host.pool.Do(ctx, func(conn *sshpool.Conn) error {
			space := make(chan int64, 1)
			go func() { space <- freeOn(conn.SFTP(), b.at.dir) }()
			err := confirmDir(conn.SFTP(), b.names.can, b.at.dir)
			free = <-space
			return err
		})
		if err == nil {
			b.host.cachePlain(b.at.version, b.target, began)
		}
		return free, err
	})
}

// confirmDir is stands where the step that it is about is done on another
// connection: one that is lost has answered nothing.
func confirmDir(c *sftp.Client, can sshpool.Abilities, dir string) error {
	if isRealPath(c, can, dir) {
		return nil
	}
	names := components(dir)
	infos, errs := lstatDown(c, "/", names)
	for i, err := range errs {
		if err != nil && !Refused(err) && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
			return Doing("look at", dir, err)
		}
		if moved := symlinkError(names[:i+1], infos[i], err); moved != nil {
			return moved
		}
	}
	return nil
}
