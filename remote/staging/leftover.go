package staging

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"time"

	"github.com/pkg/sftp"

	"sftpgate/remote/record"
	"sftpgate/remote/sshpool"
)

// Leftover is something of ours that a sweep came upon, active or not.
type Leftover struct {
	// Generation is a staged upload; nil for what counts for nothing: a body whose
	// place was not known, an attempt, a generation that was being prepared or removed,
	// a claim that it has left empty.
	Generation *Generation
	// Idle is how long nothing of it has changed, by the host's clock.
	Idle time.Duration

	host   *Host
	dir    string
	name   string
	hollow []string // users' directories in an empty claim; nil where it is none
}

// Touched looks once more whether anything of a generation was changed since.
func (l Leftover) Touched(ctx context.Context) (fresh bool, err error) {
	err = l.host.do(ctx, l.dir, func(c *sftp.Client) error {
		now, uid, err := clock(c, l.dir)
		if err != nil {
			return err
		}
		info, err := c.Lstat(l.Path())
		if errors.Is(err, fs.ErrNotExist) {
			return errors.Join(ErrSuperseded, err)
		}
		if err != nil {
			return err
		}
		last, _, err := inspector{c: c, uid: uid}.newest(l.Path(), info)
		fresh = now.Sub(last) < l.Idle
		return err
	})
	return fresh, err
}

// Path is where it lies on the host.
func (l Leftover) Path() string {
	if l.Generation != nil {
		return l.Generation.Dir()
	}
	return path.Join(l.dir, l.name)
}

// Remove removes what counts for nothing. A generation is for Withdraw.
func (l Leftover) Remove(ctx context.Context) error {
	return l.host.do(ctx, l.dir, func(c *sftp.Client) error {
		if l.hollow == nil {
			return removeTree(c, path.Join(l.dir, l.name))
		}
		// Only what is still empty: somebody may begin there just now.
		for _, user := range l.hollow {
			_ = c.RemoveDirectory(path.Join(l.dir, l.name, user))
		}
		_ = c.RemoveDirectory(path.Join(l.dir, l.name))
		return nil
	})
}

// inspector tells what of a directory's staging names is ours. A name alone is
// no proof: anybody may call a directory so.
type inspector struct {
	c    *sftp.Client
	host *Host
	can  sshpool.Abilities
	t    Target // Root and Dir; no Name
	now  time.Time
	uid  uint32 // the login user's: what belongs to others is not ours
}

// ourRandom is what randomName and rand.Text make: nobody hits on that by chance.
var ourRandom = regexp.MustCompile(`^\.(?:[a-z2-7]{26}|[A-Z2-7]{26})\.sftpgate$`)

var ourUserDir = regexp.MustCompile(`^[a-z0-9_-]{0,32}-[0-9a-f]{8}$`)

// inspect returns what is ours in one staging name of the directory.
func (in inspector) inspect(info fs.FileInfo) ([]Leftover, error) {
	name := info.Name()
	if owner(info) != in.uid {
		return nil, nil
	}
	if info.IsDir() {
		staged, inPlace, err := in.claims(name)
		if err != nil || inPlace {
			return staged, err
		}
		if l, err := in.emptied(info); l != nil || err != nil {
			return l, err
		}
	}
	if !ourRandom.MatchString(name) || !info.IsDir() && !info.Mode().IsRegular() {
		return nil, nil
	}
	last, ours, err := in.newest(path.Join(in.t.Dir, name), info)
	if err != nil || !ours {
		return nil, err
	}
	return []Leftover{{Idle: in.now.Sub(last), host: in.host, dir: in.t.Dir, name: name}}, nil
}

// claims returns the generations in a claim directory whose records say that
// they belong there. inPlace: there are some, perhaps of another host id that
// leads here too, or from before the directory was moved; then it is no rubbish.
func (in inspector) claims(name string) (found []Leftover, inPlace bool, err error) {
	dir := path.Join(in.t.Dir, name)
	users, err := in.c.ReadDir(dir)
	if err != nil {
		return nil, false, unlessGone(err)
	}
	for _, user := range users {
		if !user.IsDir() || !ourUserDir.MatchString(user.Name()) {
			continue
		}
		gens, err := in.c.ReadDir(path.Join(dir, user.Name()))
		if err != nil {
			return nil, false, unlessGone(err)
		}
		for _, gen := range gens {
			n, ok := numbered(gen.Name(), genPrefix)
			if !ok || !gen.IsDir() {
				continue
			}
			l, here, err := in.generation(name, user.Name(), int(n), gen)
			if err != nil {
				return nil, false, err
			}
			if inPlace = inPlace || here; l != nil {
				found = append(found, *l)
			}
		}
	}
	return found, inPlace, nil
}

// emptied returns a claim directory in which nothing stands any more, but for
// users' directories that are empty too: a clean-up was cut off between its last
// steps.
func (in inspector) emptied(info fs.FileInfo) ([]Leftover, error) {
	name, last := info.Name(), info.ModTime()
	dir := path.Join(in.t.Dir, name)
	users, err := in.c.ReadDir(dir)
	if err != nil || !strings.HasPrefix(name, ".") {
		return nil, unlessGone(err)
	}
	hollow := []string{}
	for _, user := range users {
		if !user.IsDir() || !ourUserDir.MatchString(user.Name()) || owner(user) != in.uid {
			return nil, nil
		}
		inside, err := in.c.ReadDir(path.Join(dir, user.Name()))
		if err != nil || len(inside) > 0 {
			return nil, unlessGone(err)
		}
		hollow = append(hollow, user.Name())
		if last.Before(user.ModTime()) {
			last = user.ModTime()
		}
	}
	return []Leftover{{Idle: in.now.Sub(last), host: in.host, dir: in.t.Dir, name: name, hollow: hollow}}, nil
}

func (in inspector) generation(name, user string, n int, info fs.FileInfo) (l *Leftover, inPlace bool, err error) {
	at := path.Join(in.t.Dir, name, user, genName(n))
	state, _, err := readState(in.c, at)
	if errors.Is(err, record.ErrNone) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, unlessGone(err)
	}
	meta := state.Meta
	t := in.t
	t.Name = path.Base(meta.Path)
	t.nameMax = claimedUnder(t.Name, name)
	if t.nameMax == 0 || userDir(meta.User) != user {
		return nil, false, nil // prepared under another name
	}
	last, ours, err := in.newest(at, info)
	if err != nil || !ours || meta.Host != t.Host || meta.Path != t.Path() {
		return nil, true, unlessGone(err)
	}
	return &Leftover{Generation: in.host.generation(t, meta.User, n, in.can, state), Idle: in.now.Sub(last), host: in.host, dir: t.Dir, name: name}, true, nil
}

// newest is when anything in a tree was changed last, and whether all of it is
// the login user's and has names that we give. Symbolic links are not followed.
func (in inspector) newest(at string, info fs.FileInfo) (last time.Time, ours bool, err error) {
	last, ours = info.ModTime(), owner(info) == in.uid
	if !info.IsDir() {
		return last, ours, nil
	}
	infos, err := in.c.ReadDir(at)
	if err != nil {
		return last, false, unlessGone(err)
	}
	for _, child := range infos {
		if last.Before(child.ModTime()) {
			last = child.ModTime()
		}
		ours = ours && ourContent(child.Name()) && owner(child) == in.uid
		if !child.IsDir() {
			continue
		}
		deep, all, err := in.newest(path.Join(at, child.Name()), child)
		if err != nil {
			return last, false, err
		}
		if ours = ours && all; last.Before(deep) {
			last = deep
		}
	}
	return last, ours, nil
}

// ourContent reports whether a name is one that we give below a hidden directory.
func ourContent(name string) bool {
	for _, prefix := range []string{recordPrefix, partPrefix, stampPrefix, genPrefix, tmpPrefix, pubPrefix} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return ourUserDir.MatchString(name) || ourOther.MatchString(name) || sshpool.IsProbeFile(name) || ourChunk.MatchString(name)
}

var (
	ourChunk = regexp.MustCompile(`^\d+-\d+-[0-9a-f]{64}$`)
	ourOther = regexp.MustCompile(`^(?:chunks|source|part)$`) // a scratch pair are the latter two
)

// owner is the numeric user that a file belongs to.
func owner(info fs.FileInfo) uint32 {
	if stat, ok := info.Sys().(*sftp.FileStat); ok {
		return stat.UID
	}
	return ^uint32(0)
}

func unlessGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
