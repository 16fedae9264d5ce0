package staging

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/pkg/sftp"

	"sftpgate/remote/failpoint"
	"sftpgate/remote/record"
	"sftpgate/remote/sshpool"
)

// Publication is the one step that makes the target appear.
type Publication struct {
	Source string // a sealed file in staging, on the target's filesystem
	Size   int64  // what it must hold, in bytes
	// Replace allows a file that stands at the target to be replaced.
	Replace bool
	// IfMatch is the ETag of the one file that may be replaced; "" for any.
	IfMatch string
	Attrs   Attrs
	// Check, if set, is asked about the state in which publication is recorded
	// to have begun: whether what was judged before still holds.
	Check func(record.State) error
}

// Published says what stands at the target now.
type Published struct {
	File     File
	Replaced bool
	Notes    []string // what could not be kept, for a person
}

// Publish makes the target appear, whole. It is safe to repeat after any
// failure: what a try before has done is recognised and completed.
//
// The source stays in staging under its own name, as a second link, for as
// long as the host has hard links: so a later look can tell our own file from
// a stranger's, and a stalled rename of ours fails once staging is gone.
//
// Errors: *ExistsError, *ChangedError, *KindError, ErrContent, ErrNoSpace,
// ErrSuperseded, *PermissionError, *sshpool.Error, and what Refused says.
func (g *Generation) Publish(ctx context.Context, p Publication) (Published, error) {
	recovering := g.State().Intent != nil
	if recovering {
		if done, ours, err := g.Recover(ctx, p); ours || err != nil {
			return done, err
		}
	}
	var done Published
	err := g.host.pool.Do(ctx, func(conn *sshpool.Conn) error {
		pub := g.publisher(conn, p, recovering)
		way := pub.open(ctx)
		defer way.close()
		if !recovering {
			if err := g.begin(ctx, pub); err != nil {
				return err
			}
		}
		return pub.run(ctx, way, &done)
	})
	g.host.sayDropBox(g.target, &done)
	err = g.explainMissing(ctx, g.host.explain(err, g.target.Path()))
	return done, g.host.withCause(ctx, g.target.Dir, 0, err)
}

// begin records that publication has begun: whatever happens to the target from
// then on may have been us. What is refused anyway does not begin.
func (g *Generation) begin(ctx context.Context, p *publisher) error {
	source, ok := strings.CutPrefix(p.Source, g.path()+"/")
	if !ok {
		return fmt.Errorf("publish %s: the source is not in this generation", p.Source)
	}
	refused := make(chan error, 1)
	go func() {
		_, err := p.checkTarget()
		refused <- p.conn.Explain(err)
	}()
	err := g.advanceWhen(ctx, func(now record.State, next *record.Record) error {
		// What was owed for the source is not in this record: then the source may not
		// be what the records say, however much they do.
		if err := g.peekDeferredError(); err != nil {
			return err
		}
		if p.Check != nil {
			if err := p.Check(now); err != nil {
				return err
			}
		}
		next.Intent = &record.Intent{Source: source, At: time.Now().UTC()}
		return nil
	}, sync.OnceValue(func() error { return <-refused }))
	if err == nil {
		failpoint.Reach(failpoint.FinishIntent)
	}
	return err
}

func (g *Generation) publisher(conn *sshpool.Conn, p Publication, begun bool) *publisher {
	return &publisher{conn: conn, c: conn.SFTP(), can: g.Can(), host: g.host, target: g.target, Publication: p,
		second: g.path(pubPrefix + randomName()), begun: begun}
}

type publisher struct {
	Publication
	conn   *sshpool.Conn
	c      *sftp.Client
	can    sshpool.Abilities
	host   *Host
	target Target
	second string // where a second link of the source is made before it replaces the target
	begun  bool   // a try before may have come to any point
	given  bool   // mode, owner or times of the source were changed
}

// opening is what a publication needs open, and begins to open ahead.
type opening struct {
	burst  *dirBatch
	names  dirSyncUser
	source *sourceFile
}

func (p *publisher) open(ctx context.Context) opening {
	b := p.host.joinDirBatch(p.target, p.can)
	return opening{b, b.names.join(ctx), p.openSource()}
}

func (o opening) close() {
	o.source.close()
	o.names.release()
	o.burst.leave()
}

func (p *publisher) run(ctx context.Context, o opening, done *Published) error {
	synced := make(chan error, 1)
	go func() { synced <- o.source.sync() }()
	mine, old, err := p.statBoth()
	if err == nil {
		old, err = p.checkReplaceable(old)
	}
	if err == nil {
		done.Notes, err = p.setAttributes(ctx, mine, old)
	}
	if serr := <-synced; err == nil {
		err = serr
	}
	if err == nil && p.given { // that is to be durable as well
		err = o.source.sync()
	}
	if err != nil {
		return err
	}
	done.Replaced = old != nil
	if old != nil && p.replacesInTwoSteps() {
		done.Notes = append(done.Notes, "the host cannot replace a file atomically: for a moment there was none")
	}
	if err := p.place(old); err != nil {
		return err
	}
	failpoint.Reach(failpoint.FinishPublished)
	return p.finish(done, func() error { return o.names.sync(ctx) })
}

// statBoth describes source and target, and makes sure that the way to the source is
// still the one that was resolved.
func (p *publisher) statBoth() (mine, old *File, err error) {
	wait := startNoSymlinkCheck(p.c, p.can, path.Dir(p.Source))
	var looked sync.WaitGroup
	var taken error
	looked.Go(func() { old, taken = statFile(p.c, p.target.Path()) })
	mine, err = statFile(p.c, p.Source)
	looked.Wait()
	if moved := wait(); moved != nil {
		err = moved
	}
	switch {
	case err != nil || mine == nil:
		return nil, nil, fmt.Errorf("publish %s: %w", p.target.Path(), errOr(err, fs.ErrNotExist))
	case mine.Size != p.Size:
		return nil, nil, fmt.Errorf("%w: %s has %d bytes, the file has %d", ErrContent, p.Source, mine.Size, p.Size)
	}
	return mine, old, taken
}

// checkTarget says whether what stands at the target now may be replaced.
func (p *publisher) checkTarget() (*File, error) {
	old, err := statFile(p.c, p.target.Path())
	if err != nil {
		return nil, err
	}
	return p.checkReplaceable(old)
}

// checkReplaceable says whether old, or nil for none, may be replaced.
func (p *publisher) checkReplaceable(old *File) (*File, error) {
	switch {
	case old == nil && p.begun && p.Replace && p.replacesInTwoSteps():
		return nil, nil // taken away by a try before, which was then cut off
	case p.IfMatch != "" && (old == nil || old.ETag() != p.IfMatch):
		return nil, &ChangedError{Path: p.target.Path(), File: old}
	case old != nil && !p.Replace:
		return nil, &ExistsError{File: *old}
	}
	return old, nil
}

// place is the step itself.
func (p *publisher) place(old *File) error {
	if p.Replace && !p.replacesInTwoSteps() {
		return p.replace()
	}
	if old != nil {
		if err := p.c.Remove(p.target.Path()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("publish it in two steps: %w", Doing("remove", p.target.Path(), err))
		}
	}
	switch {
	case p.can.HardLink:
		if err := p.c.Link(p.Source, p.target.Path()); err != nil {
			return p.conflictError("make the hard link", err)
		}
	case p.can.RenameCreateOnly:
		if err := p.c.Rename(p.Source, p.target.Path()); err != nil {
			return p.conflictError("rename a file to", err)
		}
	default: // the caller has just looked; this host cannot do it in one step
		if err := p.rename(p.Source); err != nil {
			return fmt.Errorf("publish %s: %w", p.target.Path(), err)
		}
	}
	return nil
}

// replacesInTwoSteps reports whether nothing on this host renames onto a file: the old
// one must be taken away before the new one can appear.
func (p *publisher) replacesInTwoSteps() bool { return !p.can.PosixRename && p.can.RenameCreateOnly }

func (p *publisher) replace() error {
	from := p.Source
	if p.can.HardLink {
		if err := p.c.Link(p.Source, p.second); err != nil {
			return fmt.Errorf("publish %s: %w", p.target.Path(), Doing("make the hard link", p.second, err))
		}
		from = p.second
	}
	if err := p.rename(from); err != nil {
		return fmt.Errorf("publish %s: %w", p.target.Path(), err)
	}
	return nil
}

func (p *publisher) rename(from string) error {
	if p.can.PosixRename {
		return Doing("rename a file to", p.target.Path(), p.c.PosixRename(from, p.target.Path()))
	}
	return Doing("rename a file to", p.target.Path(), p.c.Rename(from, p.target.Path()))
}

// conflictError names the file that kept the target from appearing.
func (p *publisher) conflictError(do string, err error) error {
	if old, lerr := statFile(p.c, p.target.Path()); lerr != nil {
		return lerr
	} else if old != nil {
		return &ExistsError{File: *old}
	}
	return fmt.Errorf("publish %s: %w", p.target.Path(), Doing(do, p.target.Path(), err))
}

// syncTarget makes the target's name durable and describes it.
func (p *publisher) syncTarget(done *Published) error {
	return p.finish(done, func() error { return syncDir(p.c, p.can, p.target.Dir) })
}

func (p *publisher) finish(done *Published, syncNames func() error) error {
	synced := make(chan error, 1)
	go func() { synced <- syncNames() }()
	f, err := statFile(p.c, p.target.Path())
	if serr := <-synced; serr != nil {
		return serr
	}
	failpoint.Reach(failpoint.FinishDirSynced)
	if err == nil && f == nil {
		err = fmt.Errorf("%s was published and is gone again: %w", p.target.Path(), fs.ErrNotExist)
	}
	if err != nil {
		return err
	}
	done.File = *f
	return nil
}
