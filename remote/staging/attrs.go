package staging

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"github.com/pkg/sftp"

	"sftpgate/remote/hosts"
)

// Attrs are the wishes for a published file. What is not wished for follows
// the file that is replaced, then the host's defaults, then the directory's
// habits.
type Attrs struct {
	Mode  *uint32 // permission bits
	Owner string  // name or number on the host
	Group string
	MTime time.Time // zero: left as it is
}

// newFileMode is what a new file may have at most, before the umask.
const newFileMode = 0o644

// attributes gives the source its mode, owner, group and times before it
// becomes visible. What was asked for must be done; what is only kept from the
// old file is tried, and said where it could not be.
func (p *publisher) attributes(ctx context.Context, old *File) (notes []string, err error) {
	mine, err := statFile(p.c, p.Source)
	if err != nil || mine == nil {
		return nil, fmt.Errorf("publish %s: the assembled file is gone: %w", p.target.Path(), errOr(err, fs.ErrNotExist))
	}
	return p.setAttributes(ctx, mine, old)
}

// setAttributes is attributes for a source that was just looked at.
func (p *publisher) setAttributes(ctx context.Context, mine, old *File) (notes []string, err error) {
	kept := false
	if old == nil {
		p.Attrs = p.Attrs.or(p.host.Config())
	} else if kept = p.can.Exec && p.copyAttributes(ctx); !kept {
		notes = append(notes, "access control lists and extended attributes of the replaced file, if it had any, were not kept")
	}
	uid, gid, asked, err := p.ownership(mine, old)
	if err != nil {
		return nil, err
	}
	p.given = kept
	if uid != mine.UID || gid != mine.GID {
		p.given = true
		if err := p.c.Chown(p.Source, int(uid), int(gid)); err != nil && asked {
			return nil, fmt.Errorf("give %s to %d:%d: %w", p.target.Path(), uid, gid, Doing("change the owner of", p.target.Path(), err))
		} else if err != nil && !kept {
			notes = append(notes, fmt.Sprintf("owner and group %d:%d of the replaced file could not be kept", uid, gid))
		}
	}
	mode := mine.Mode & newFileMode
	switch {
	case p.Attrs.Mode != nil:
		mode = fs.FileMode(*p.Attrs.Mode)
	case old != nil:
		mode = old.Mode
	case mode != mine.Mode:
		mode, notes = p.inheritMode(ctx, mine)
	}
	if owned := uid != mine.UID || gid != mine.GID; owned || kept || mode != mine.Mode {
		p.given = true
		if err := p.c.Chmod(p.Source, mode); err != nil {
			return nil, fmt.Errorf("give %s the mode %#o: %w", p.target.Path(), mode, Doing("change the mode of", p.target.Path(), err))
		}
	}
	if t := p.Attrs.MTime; !t.IsZero() {
		p.given = true
		if err := p.c.Chtimes(p.Source, t, t); err != nil {
			return nil, Doing("set the time of", p.target.Path(), err)
		}
	}
	return notes, nil
}

// or fills in what hosts.yaml says about files that replace nothing.
func (a Attrs) or(h hosts.Host) Attrs {
	a.Owner, a.Group = cmp.Or(a.Owner, h.Owner), cmp.Or(a.Group, h.Group)
	if a.Mode == nil && h.Mode != nil {
		mode := uint32(h.Mode.Perm())
		a.Mode = &mode
	}
	return a
}

func errOr(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

// ownership decides on user and group ids, and whether they were asked for.
func (p *publisher) ownership(mine, old *File) (uid, gid uint32, asked bool, err error) {
	uid, gid = mine.UID, mine.GID
	if old != nil {
		uid, gid = old.UID, old.GID
	}
	if p.Attrs.Owner != "" {
		if uid, err = lookupID(p.c, "/etc/passwd", p.Attrs.Owner); err != nil {
			return 0, 0, true, err
		}
	}
	if p.Attrs.Group != "" {
		if gid, err = lookupID(p.c, "/etc/group", p.Attrs.Group); err != nil {
			return 0, 0, true, err
		}
	}
	return uid, gid, p.Attrs.Owner+p.Attrs.Group != "", nil
}

// NameError says that the host does not know a user or group.
type NameError struct {
	Name string
	File string
}

func (e *NameError) Error() string {
	return fmt.Sprintf("%q is not in the host's %s: give the number instead", e.Name, e.File)
}

// lookupID finds the number of a user or group in passwd(5) or group(5).
func lookupID(c *sftp.Client, file, name string) (uint32, error) {
	if n, err := strconv.ParseUint(name, 10, 32); err == nil {
		return uint32(n), nil
	}
	f, err := c.Open(file)
	if err != nil {
		return 0, &NameError{name, file}
	}
	defer f.Close()
	// A bound, because what the host calls its accounts may be anything.
	content, err := io.ReadAll(io.LimitReader(bufio.NewReaderSize(f, 32<<10), maxAccounts))
	if err != nil {
		return 0, Doing("read", file, err)
	}
	if n, ok := idIn(string(content), name); ok {
		return n, nil
	}
	return 0, &NameError{name, file}
}

// maxAccounts bounds what is read of passwd(5) or group(5), in bytes: some
// hundred thousand lines.
const maxAccounts = 32 << 20

// idIn finds name's number in the text of passwd(5) or group(5), where it is the
// third field of both. Lines may be of any length: a group may have many members.
func idIn(text, name string) (uint32, bool) {
	for line := range strings.Lines(text) {
		fields := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 4)
		if len(fields) > 2 && fields[0] == name {
			if n, err := strconv.ParseUint(fields[2], 10, 32); err == nil {
				return uint32(n), true
			}
		}
	}
	return 0, false
}
