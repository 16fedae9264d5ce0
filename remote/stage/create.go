package stage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"time"

	"github.com/pkg/sftp"

	"sftpgate/remote/link"
	"sftpgate/remote/record"
)

// Create takes the claim on the host and returns the new generation, durable
// with its first record. scene is what Look said just before: where the user
// has a generation already the new one is put beside it and counts from then
// on; the old one is for the caller to remove.
//
// ErrTaken is returned when somebody else was faster.
func (h *Host) Create(ctx context.Context, t Target, meta record.Meta, scene Scene) (*Generation, error) {
	can, err := h.Abilities(ctx, t)
	if err != nil {
		return nil, err
	}
	// Not simply the next number: when an upload is gone its path must never be
	// another's, or what is still on its way to it would count there.
	n := max(scene.top+1, int(time.Now().UnixMicro()))
	meta.Generation, meta.Path = n, t.Path()
	first := record.Record{Seq: 1, Meta: meta, Full: true}
	state, err := record.Union([]record.Record{first})
	if err != nil {
		return nil, err
	}
	prepared := path.Join(t.Dir, hiddenName())
	err = h.do(ctx, t.Dir, func(c *sftp.Client) error {
		place := placement{c: c, can: can, from: prepared, to: claimDir(t), dirs: []string{userDir(meta.User), genName(n)}}
		if scene.mineDir {
			place.to, place.dirs = path.Join(claimDir(t), userDir(meta.User), genName(n)), nil
		}
		err := place.prepare(first)
		if err == nil {
			err = place.rename()
		}
		if err != nil {
			_ = removeTree(c, prepared) // else it is left, under a name that counts for nothing
		}
		return err
	})
	if err != nil {
		return nil, h.spaceOr(ctx, t.Dir, 0, fmt.Errorf("stage %s: %w", t.Path(), err))
	}
	return h.generation(t, meta.User, n, can, state), nil
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
	for _, dir := range append(made, path.Join(made[len(made)-1], chunksDir)) {
		if err := p.c.Mkdir(dir); err != nil {
			return fmt.Errorf("make %s: %w", dir, err)
		}
	}
	file, err := record.Encode(first)
	if err != nil {
		return err
	}
	// The user's own: nobody else on the host looks in. What goes in by then is
	// under a name that only we know.
	own := made[min(1, len(made)-1)]
	protected := make(chan error, 1)
	go func() { protected <- p.c.Chmod(own, 0o700) }()
	err = writeSynced(p.c, p.can, path.Join(made[len(made)-1], recordName(1)), file)
	if cerr := <-protected; cerr != nil {
		return fmt.Errorf("protect %s: %w", own, cerr)
	}
	if err != nil {
		return err
	}
	return together(made, func(dir string) error { return syncDir(p.c, p.can, dir) })
}

// rename is refused by a directory that is not empty, which is somebody's claim.
func (p placement) rename() error {
	if err := move(p.c, p.can, p.from, p.to); err != nil {
		if _, lerr := p.c.Lstat(p.to); lerr == nil {
			return fmt.Errorf("%w (%s)", ErrTaken, p.to)
		}
		if errors.Is(err, fs.ErrNotExist) { // the user's directory was cleared away meanwhile
			return fmt.Errorf("%w: %w", ErrTaken, err)
		}
		return err
	}
	return syncDir(p.c, p.can, path.Dir(p.to))
}

// move renames. What gives way at the new name is a file, or an empty directory;
// without posix-rename nothing does.
func move(c *sftp.Client, can link.Abilities, from, to string) error {
	if can.PosixRename {
		return c.PosixRename(from, to)
	}
	return c.Rename(from, to)
}
