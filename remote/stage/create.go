package stage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"sync"
	"time"

	"github.com/pkg/sftp"

	"sftpgate/remote/link"
	"sftpgate/remote/record"
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
	prepared := path.Join(t.Dir, hiddenName())
	var looked error
	err = h.do(ctx, t.Dir, func(c *sftp.Client) error {
		place := placement{c: c, can: can, from: prepared, to: claimDir(t), dirs: []string{userDir(meta.User), genName(n)}}
		if scene.mineDir {
			place.to, place.dirs = path.Join(claimDir(t), userDir(meta.User), genName(n)), nil
		}
		err := place.prepare(first)
		if err == nil {
			standing, looked, err = place.take(t)
		}
		if err != nil {
			_ = removeTree(c, prepared)    // else it is left, under a name that counts for nothing
			if !errors.Is(err, ErrTaken) { // it may be in its place by now
				_ = removeGeneration(c, can, t, userDir(meta.User), genName(n), nil)
			}
		}
		return err
	})
	if err != nil {
		return nil, nil, h.spaceOr(ctx, t.Dir, 0, fmt.Errorf("stage %s: %w", t.Path(), err))
	}
	g = h.generation(t, meta.User, n, can, state)
	g.first = !scene.mineDir
	return g, standing, h.explain(looked, t.Path())
}

// placement prepares a generation under a random name and renames it to its
// place: whoever sees the place sees an owner and a valid record in it, at any
// time and after any crash.
type placement struct {
	c    *sftp.Client
	can  link.Abilities
	from string
	to   string
	dirs []string // below from, down to the generation; none when from is the generation
}

func (p placement) prepare(first record.Record) error {
	made := []string{p.from}
	for _, name := range p.dirs {
		made = append(made, path.Join(made[len(made)-1], name))
	}
	for _, dir := range made {
		if err := p.makeDir(dir); err != nil {
			return err
		}
	}
	file, err := record.Encode(first)
	if err != nil {
		return err
	}
	gen := made[len(made)-1]
	// All at once: each is one round trip or two, the record three.
	var steps sync.WaitGroup
	errs := make([]error, 3)
	steps.Go(func() { errs[0] = writeSynced(p.c, p.can, path.Join(gen, recordName(1)), file) })
	steps.Go(func() { errs[1] = p.makeDir(path.Join(gen, chunksDir)) })
	steps.Go(func() { errs[2] = p.protect(made[min(1, len(made)-1)]) })
	var handles []*dirHandle
	for _, dir := range made {
		handles = append(handles, beginDir(p.c, p.can, dir))
		defer handles[len(handles)-1].close()
	}
	steps.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return together(handles, (*dirHandle).sync)
}

func (p placement) makeDir(dir string) error {
	if err := p.c.Mkdir(dir); err != nil {
		return fmt.Errorf("make %s: %w", dir, err)
	}
	return nil
}

// protect keeps everybody else on the host from looking in. What goes in by then
// is under a name that only we know.
func (p placement) protect(own string) error {
	if err := p.c.Chmod(own, 0o700); err != nil {
		return fmt.Errorf("protect %s: %w", own, err)
	}
	return nil
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
	standing, looked = lookFile(p.c, t.Path())
	return standing, looked, <-synced
}

// move renames. What gives way at the new name is a file, or an empty directory;
// without posix-rename nothing does.
func move(c *sftp.Client, can link.Abilities, from, to string) error {
	if can.PosixRename {
		return c.PosixRename(from, to)
	}
	return c.Rename(from, to)
}
