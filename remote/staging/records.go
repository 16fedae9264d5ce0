package staging

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"sync"

	"github.com/pkg/sftp"

	"sftpgate/remote/record"
	"sftpgate/remote/sshpool"
)

// readState puts together what the valid records in a generation's directory
// say. The second result is the highest sequence number that is taken, by a
// valid record or a torn one.
func readState(c *sftp.Client, dir string) (record.State, int64, error) {
	for try := 0; ; try++ {
		listed, err := listRecords(c, dir)
		if err != nil {
			return record.State{}, 0, err
		}
		valid, torn, err := listed.read(c, dir)
		if err != nil {
			return record.State{}, 0, err
		}
		// One that was listed and cannot be read may have been removed since,
		// because a full record follows it by now: look again before it is
		// taken for torn.
		if torn && try < 3 {
			continue
		}
		// A listing that was begun before the directory was moved away to be
		// removed goes on in it, and finds ever less.
		if _, err := c.Lstat(dir); err != nil {
			return record.State{}, 0, err
		}
		state, err := record.Union(valid)
		return state, listed.top, err
	}
}

// recordList is the record files of a generation.
type recordList struct {
	top     int64        // the highest number that is taken
	numbers []int64      // all of them
	files   []recordFile // those that may be valid
}

type recordFile struct{ seq, size int64 }

func listRecords(c *sftp.Client, dir string) (recordList, error) {
	var list recordList
	names, err := c.ReadDir(dir)
	err = Doing("list", dir, err)
	for _, info := range names {
		seq, ok := numbered(info.Name(), recordPrefix)
		if !ok || !info.Mode().IsRegular() {
			continue
		}
		list.top = max(list.top, seq)
		list.numbers = append(list.numbers, seq)
		if info.Size() > 0 && info.Size() <= record.MaxBytes {
			list.files = append(list.files, recordFile{seq, info.Size()})
		}
	}
	return list, err
}

func (l recordList) read(c *sftp.Client, dir string) (valid []record.Record, torn bool, err error) {
	records, errs := make([]*record.Record, len(l.files)), make([]error, len(l.files))
	var wg sync.WaitGroup
	for i, file := range l.files {
		wg.Go(func() { records[i], errs[i] = readRecord(c, dir, file) })
	}
	wg.Wait()
	for _, r := range records {
		if r == nil {
			torn = true
			continue
		}
		valid = append(valid, *r)
	}
	return valid, torn, errors.Join(errs...)
}

// readRecord reads one record; nil, without an error, is one that does not count.
func readRecord(c *sftp.Client, dir string, file recordFile) (*record.Record, error) {
	name := path.Join(dir, recordName(file.seq))
	f, err := c.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, Doing("read", name, err)
	}
	defer f.Close()
	text := make([]byte, file.size)
	n, err := f.ReadAt(text, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, Doing("read", name, err)
	}
	r, err := record.Decode(text[:n])
	if errors.Is(err, record.ErrVersion) {
		return nil, fmt.Errorf("%s: %w", name, err) // not torn: it must not be passed over
	}
	if err != nil || r.Seq != file.seq {
		return nil, nil
	}
	return &r, nil
}

// readOwn reads the records of this generation, and takes none for them that
// belong to another upload.
func (g *Generation) readOwn(c *sftp.Client) (record.State, int64, error) {
	state, top, err := readState(c, g.path())
	if err == nil && state.Meta.ID != g.State().Meta.ID {
		err = fmt.Errorf("%w: %s is upload %s now", ErrSuperseded, g.path(), state.Meta.ID)
	}
	return state, top, err
}

// writeRecord writes and syncs a record under a name of its own, then gives it
// its number, unless that is taken. O_EXCL on the number itself would not do: a
// torn record there, skipped by a second gateway, would lose progress. from is the full
// record that it follows; where that has been removed since, so may the one have been
// that had the number, and it does not count.
func (g *Generation) writeRecord(ctx context.Context, c *sftp.Client, r record.Record, from int64, ready func() error) (placed bool, err error) {
	file, err := record.Encode(r)
	if err != nil {
		return false, err
	}
	tmp, final := g.path(tmpPrefix+randomName()), g.path(recordName(r.Seq))
	names := g.recordNames.join(ctx)
	defer names.release()
	wait := startNoSymlinkCheck(c, g.can, g.path())
	err = writeSynced(c, g.can, tmp, file)
	if moved := wait(); moved != nil && err == nil {
		err = moved
	}
	if err == nil {
		err = ready()
	}
	if err != nil {
		_ = c.Remove(tmp)
		return false, err
	}
	placed, err = createOnly(c, g.can, tmp, final)
	if err != nil || !placed {
		_ = c.Remove(tmp)
		return false, err
	}
	removed, stands := make(chan error, 1), make(chan error, 1)
	go func() { removed <- removeLinked(c, g.can, tmp) }()
	go func() { stands <- g.stillFollows(c, r, from) }()
	err = errors.Join(names.sync(ctx), <-removed)
	serr := <-stands
	if errors.Is(serr, errOvertaken) {
		serr = c.Remove(final)
		if errors.Is(serr, fs.ErrNotExist) { // with those before the full record
			serr = nil
		}
		return false, errors.Join(err, serr)
	}
	if err = errors.Join(err, serr); err == nil && !createIsExclusive(g.can) {
		return hasContent(c, final, file)
	}
	return true, err
}

// errOvertaken: a full record that this gateway did not know has taken the place of all
// that it knew.
var errOvertaken = errors.New("the records were compacted meanwhile")

func (g *Generation) stillFollows(c *sftp.Client, r record.Record, from int64) error {
	if from == 0 || from == r.Seq {
		return nil
	}
	_, err := c.Lstat(g.path(recordName(from)))
	if errors.Is(err, fs.ErrNotExist) {
		return errOvertaken
	}
	return err
}

// compact removes the records before a full one, which says all that they said, the
// oldest first. A gateway that was asleep may give its record a number that has become
// free again; it then finds the full one gone that it has followed (see stillFollows).
// Our own next record waits for it: it could follow one that is taken back for that.
func (g *Generation) compact(ctx context.Context, r record.Record) error {
	if !r.Full {
		return nil
	}
	return g.do(ctx, func(c *sftp.Client) error {
		list, err := listRecords(c, g.path())
		if err != nil {
			return err
		}
		slices.Sort(list.numbers)
		for _, seq := range list.numbers {
			if seq >= r.Seq {
				break
			}
			if err := c.Remove(g.path(recordName(seq))); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return Doing("remove", g.path(recordName(seq)), err)
			}
		}
		return nil
	})
}

// writeSynced writes a new file and syncs it.
func writeSynced(c *sftp.Client, can sshpool.Abilities, name string, content []byte) error {
	f, err := createFile(c, can, name)
	if err != nil {
		return err
	}
	return f.fill(content)
}

// newFile is a file that was made and has nothing in it yet.
type newFile struct {
	*sftp.File
	can sshpool.Abilities
}

func createFile(c *sftp.Client, can sshpool.Abilities, name string) (*newFile, error) {
	f, err := c.OpenFile(name, exclusive)
	if err != nil {
		return nil, Doing("create the file", name, err)
	}
	return &newFile{f, can}, nil
}

// fill writes all that is to be in the file, syncs it and closes it.
func (f *newFile) fill(content []byte) error {
	n, err := f.WriteAt(content, 0)
	err = Doing("write", f.Name(), err)
	if err == nil && n != len(content) {
		err = fmt.Errorf("%s: %d of %d bytes written", f.Name(), n, len(content))
	}
	if err == nil {
		err = Doing("sync", f.Name(), syncFile(f.File, f.can))
	}
	if err == nil && f.can.Fsync { // that has told how it went
		go func() { _ = f.Close() }()
		return nil
	}
	return errors.Join(err, f.Close())
}

// createOnly gives a file its final name unless something has that name
// already; then it returns false and both stay as they were. The old name is for
// removeLinked.
func createOnly(c *sftp.Client, can sshpool.Abilities, from, to string) (placed bool, err error) {
	place, do := c.Link, "make the hard link"
	switch {
	case can.HardLink:
	case can.RenameCreateOnly:
		place, do = c.Rename, "rename a file to"
	default: // the host can do neither; between the look and the rename there is a gap
		if _, lerr := c.Lstat(to); lerr == nil {
			return false, nil
		} else if !errors.Is(lerr, fs.ErrNotExist) {
			return false, lerr
		}
		return true, Doing("rename a file to", to, c.Rename(from, to))
	}
	// The host does not say why it refuses: what had the name may be gone again by now.
	for range 3 {
		if err = place(from, to); err == nil {
			return true, nil
		}
		if _, lerr := c.Lstat(to); lerr == nil {
			return false, nil
		}
	}
	return false, Doing(do, to, err)
}

// removeLinked removes the name that createOnly may have left.
func removeLinked(c *sftp.Client, can sshpool.Abilities, from string) error {
	if !can.HardLink {
		return nil
	}
	if err := c.Remove(from); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Doing("remove", from, err)
	}
	return nil
}
