package staging

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"time"

	"github.com/pkg/sftp"

	"sftpgate/remote/record"
	"sftpgate/remote/sshpool"
)

// Create takes the claim on the host and returns the new generation, durable
// with its first record. scene is what Look said just before: where the user
// has a generation already the new one is put beside it and counts from then
// on; the old one is for the caller to remove. standing is the plain file that is
// at the target now that the claim is the user's: another upload may have been
// published since the scene.
//
// ErrTaken is returned when somebody else was faster. With any other error that
// comes with a generation, what stands there is not a plain file or cannot be told.
func (h *Host) Create(ctx context.Context, t Target, meta record.Meta, scene Scene) (g *Generation, standing *File, err error) {
	can, err := h.Abilities(ctx, t)
	if err != nil {
		return nil, nil, err
	}
	// Not simply the next number: when an upload is gone its path must never be
	// another's, or what is still on its way to it would count there.
	n := max(scene.top+1, int(time.Now().UnixMicro()))
	meta.Generation, meta.Path = n, t.Path()
	first := record.Record{Seq: 1, Meta: meta, Full: true}
	state, err := record.Union([]record.Record{first})
	if err != nil {
		return nil, nil, err
	}
	var looked error
	err = h.on(ctx, t.Dir, func(conn *sshpool.Conn) error {
		place := placement{conn: conn, c: conn.SFTP(), can: can, to: claimDir(t), dirs: []string{userDir(meta.User), genName(n)}}
		if scene.mineDir {
			place.to, place.dirs = path.Join(claimDir(t), userDir(meta.User), genName(n)), nil
		}
		err := h.prepare(&place, t, first)
		if err == nil {
			standing, looked, err = place.take(t)
		}
		if err != nil {
			_ = removeTree(place.c, place.from) // else it is left, under a name that counts for nothing
			if !errors.Is(err, ErrTaken) {      // it may be in its place by now
				_ = removeGeneration(conn, can, t, userDir(meta.User), genName(n), nil)
			}
		}
		return err
	})
	if err != nil {
		return nil, nil, h.writeCause(ctx, t.Dir, 0, fmt.Errorf("stage %s: %w", t.Path(), err))
	}
	g = h.generation(t, meta.User, n, can, state)
	g.first = !scene.mineDir
	return g, standing, h.explain(looked, t.Path())
}

// prepare prepares in one go, unless the host has shown that it does not work in
// the order in which it is asked: then step by step.
func (h *Host) prepare(p *placement, t Target, first record.Record) error {
	p.from = path.Join(t.Dir, hiddenName())
	if !h.disorderly.Load() {
		begun, err := p.prepare(first, p.conn.Pipeline)
		// Not every host says of a missing parent that it is missing.
		if !begun || !errors.Is(err, fs.ErrNotExist) && !Refused(err) {
			return err
		}
		_ = removeTree(p.c, p.from)
		p.from = path.Join(t.Dir, hiddenName())
	}
	_, err := p.prepare(first, oneByOne)
	if err == nil {
		h.disorderly.Store(true)
	}
	return err
}

func oneByOne(steps ...sshpool.Step) {
	for _, step := range steps {
		step.Do()
	}
}

// placement prepares a generation under a random name and renames it to its
// place: whoever sees the place sees an owner and a valid record in it, at any
// time and after any crash.
type placement struct {
	conn *sshpool.Conn
	c    *sftp.Client
	can  sshpool.Abilities
	from string
	to   string
	dirs []string // below from, down to the generation; none when from is the generation
}

// prepare makes the directories and the first record. in takes the steps, each of
// which builds on those before. begun says that the first of them was done.
func (p placement) prepare(first record.Record, in func(...sshpool.Step)) (begun bool, err error) {
	file, err := record.Encode(first)
	if err != nil {
		return false, err
	}
	made := []string{p.from}
	for _, name := range p.dirs {
		made = append(made, path.Join(made[len(made)-1], name))
	}
	gen := made[len(made)-1]
	var steps []sshpool.Step
	var errs []error
	add := func(at string, do func() error) {
		i := len(errs)
		errs = append(errs, nil)
		steps = append(steps, sshpool.Step{Path: at, Do: func() { errs[i] = do() }})
	}
	for _, dir := range append(made, path.Join(gen, chunksDir)) {
		add(dir, func() error { return p.makeDir(dir) })
	}
	own, name := made[min(1, len(made)-1)], path.Join(gen, recordName(1))
	add(own, func() error { return p.protect(own) })
	var written *newFile
	add(name, func() (err error) { written, err = createFile(p.c, p.can, name); return err })
	handles := make([]*dirHandle, len(made))
	for i, dir := range made {
		add(dir, func() error { handles[i] = beginDir(p.c, p.can, dir); return nil })
		defer func() { handles[i].close() }()
	}
	in(steps...)
	for i, err := range errs {
		if err == nil {
			continue
		}
		if written != nil {
			_ = written.Close()
		}
		return i > 0, err // those that follow from it say no more
	}
	// All names are there: they and the record can be made durable side by side.
	synced := make(chan error, 1)
	go func() { synced <- forEachParallel(handles, (*dirHandle).sync) }()
	err = written.fill(file)
	return true, errors.Join(err, <-synced)
}

func (p placement) makeDir(dir string) error {
	return Doing("make the directory", dir, p.c.Mkdir(dir))
}

// protect keeps everybody else on the host from looking in. What goes in by then
// is under a name that only we know.
func (p placement) protect(own string) error {
	mode := fs.FileMode(0o700)
	if len(p.dirs) == 0 { // the generation itself: its files take the directory's group from it
		info, err := p.c.Lstat(own)
		if err != nil {
			return Doing("look at", own, err)
		}
		mode |= info.Mode() & fs.ModeSetgid
	}
	return Doing("change the mode of", own, p.c.Chmod(own, mode))
}

// take puts what is prepared in its place. That is refused by a directory that is
// not empty, which is somebody's claim. Then it looks at the target, while the new
// name is made durable.
func (p placement) take(t Target) (standing *File, looked, err error) {
	names := beginDir(p.c, p.can, path.Dir(p.to))
	defer names.close()
	if err := move(p.c, p.can, p.from, p.to); err != nil {
		if _, lerr := p.c.Lstat(p.to); lerr == nil {
			return nil, nil, fmt.Errorf("%w (%s)", ErrTaken, p.to)
		}
		if errors.Is(err, fs.ErrNotExist) { // the user's directory was cleared away meanwhile
			return nil, nil, fmt.Errorf("%w: %w", ErrTaken, err)
		}
		return nil, nil, err
	}
	synced := make(chan error, 1)
	go func() { synced <- names.sync() }()
	standing, looked = statFile(p.c, t.Path())
	return standing, looked, <-synced
}

// move renames. What gives way at the new name is a file, or an empty directory;
// without posix-rename nothing does.
func move(c *sftp.Client, can sshpool.Abilities, from, to string) error {
	if can.PosixRename {
		return Doing("rename", from, c.PosixRename(from, to))
	}
	return Doing("rename", from, c.Rename(from, to))
}

// makePrivate makes a directory that only the login user can look into.
func makePrivate(c *sftp.Client, dir string) error {
	if err := c.Mkdir(dir); err != nil {
		return Doing("make the directory", dir, err)
	}
	return Doing("change the mode of", dir, c.Chmod(dir, 0o700))
}
