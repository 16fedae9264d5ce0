package staging

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"strconv"
	"sync"

	"github.com/pkg/sftp"

	"sftpgate/remote/record"
	"sftpgate/remote/sshpool"
)

// How files are opened on the host. Without a mode in OPEN the server gives
// them 0666 less its umask.
const (
	exclusive = os.O_WRONLY | os.O_CREATE | os.O_EXCL
	writeOnly = os.O_WRONLY
)

// Generation is one try at an upload, as its directory on the host holds it.
// It is safe for concurrent use.
type Generation struct {
	host   *Host
	target Target
	user   string
	n      int
	can    sshpool.Abilities
	first  bool // of its claim: it was made here, and has taken nobody's place

	turns    chan struct{} // holds one; one record at a time from this gateway
	mu       sync.Mutex
	recorded record.State  // what is on the host
	owed     []Edit        // what is to be in the next record
	state    record.State  // recorded, and owed
	refused  error         // why what was owed is owed no more, until that is cleared up
	left     []string      // below the generation, files of chunks that go with it
	asked    chan struct{} // closed when a record asks for the end

	chunkNames  *dirSync // of chunks/
	recordNames *dirSync // of the generation's own directory
}

func (h *Host) generation(t Target, user string, n int, can sshpool.Abilities, state record.State) *Generation {
	g := &Generation{host: h, target: t, user: user, n: n, can: can, state: state, recorded: state,
		turns: make(chan struct{}, 1), asked: make(chan struct{})}
	g.noteFinishRequest()
	g.chunkNames = &dirSync{host: h, can: can, dir: g.path(chunksDir), lanes: h.maxRuns()}
	g.recordNames = &dirSync{host: h, can: can, dir: g.path()}
	return g
}

// Host is where the generation is staged.
func (g *Generation) Host() *Host { return g.host }

// Target is what the upload is for.
func (g *Generation) Target() Target { return g.target }

// Can is what the host can do there, as last found out: a shell may have answered
// after the upload was begun.
func (g *Generation) Can() sshpool.Abilities {
	if can, known := g.host.pool.KnownAbilities(g.target.Root); known {
		return can
	}
	return g.can
}

// State is what the records say, as last read or written by this gateway, and what
// is owed to them (Owe).
func (g *Generation) State() record.State {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.state
}

// Asked is closed once the records, as last read or written by this gateway, ask for
// the upload to be finished.
func (g *Generation) Asked() <-chan struct{} { return g.asked }

// noteFinishRequest closes asked when it is time to. With g.mu held.
func (g *Generation) noteFinishRequest() {
	if g.recorded.Finish == nil {
		return
	}
	select {
	case <-g.asked:
	default:
		close(g.asked)
	}
}

// path makes an absolute path on the host of names below the generation.
func (g *Generation) path(names ...string) string {
	dir := path.Join(claimDir(g.target), userDir(g.user), genName(g.n))
	return path.Join(append([]string{dir}, names...)...)
}

// Dir is the generation's directory on the host.
func (g *Generation) Dir() string { return g.path() }

// PartPath is the part file of an epoch.
func (g *Generation) PartPath(epoch int) string { return g.path(partName(epoch)) }

// StampPath is the file by which changes to a part that are not ours are seen.
func (g *Generation) StampPath(epoch int) string { return g.path(stampPrefix + strconv.Itoa(epoch)) }

// do runs fn on one connection. Where something in the generation is missing,
// it finds out whether the generation itself is gone.
func (g *Generation) do(ctx context.Context, fn func(*sftp.Client) error) error {
	err := g.host.do(ctx, g.target.Dir, fn)
	return g.explainMissing(ctx, err)
}

// explainMissing turns "no such file" into ErrSuperseded when the whole generation is not there.
func (g *Generation) explainMissing(ctx context.Context, err error) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	lost := false
	derr := g.host.do(ctx, g.target.Dir, func(c *sftp.Client) error {
		_, err := c.Lstat(g.path())
		lost = errors.Is(err, fs.ErrNotExist)
		return nil
	})
	if derr == nil && lost {
		return errors.Join(ErrSuperseded, err)
	}
	return err
}
