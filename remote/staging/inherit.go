package staging

import (
	"context"
	"fmt"
	"io/fs"
	"sync"
	"time"
)

// inheritMode is the mode of a new file that was born with more than newFileMode. Default
// access control lists of its directory do that: they stand for what its owner wants,
// and their mask is in the mode, so that it stays. More that comes from a umask does not.
// Only a shell tells which of both it is.
func (p *publisher) inheritMode(ctx context.Context, mine *File) (mode fs.FileMode, notes []string) {
	mode = mine.Mode & newFileMode
	listed, known := p.host.inherits.ask(p.target.Dir, func() (listed, known bool) { return p.hasACL(ctx) })
	switch {
	case listed:
		return mine.Mode, nil
	case known:
		return mode, nil
	}
	return mode, []string{fmt.Sprintf("the file has mode %#[2]o: new files get %#[1]o there, by umask or default ACLs, which cannot be told apart without a shell; set mode for another", mine.Mode.Perm(), mode.Perm())}
}

// inherits remembers of directories whether files made there have access control lists:
// a shell for each of many small files would cost more than the files.
type inherits struct {
	mu   sync.Mutex
	seen map[string]inheritance
}

type inheritance struct {
	listed bool
	at     time.Time
}

const (
	inheritFor  = 10 * time.Second // how long that is believed
	mostInherit = 1000             // directories that are remembered
)

// ask answers for a directory, with look where nothing is known of late.
func (i *inherits) ask(dir string, look func() (listed, known bool)) (listed, known bool) {
	i.mu.Lock()
	have, ok := i.seen[dir]
	i.mu.Unlock()
	if ok && time.Since(have.at) < inheritFor {
		return have.listed, true
	}
	if listed, known = look(); !known {
		return false, false
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.seen == nil || len(i.seen) >= mostInherit {
		i.seen = map[string]inheritance{}
	}
	i.seen[dir] = inheritance{listed, time.Now()}
	return listed, true
}

// hasACL reports whether the source has an access control list, if the host tells.
func (p *publisher) hasACL(ctx context.Context) (listed, known bool) {
	if !p.can.Exec {
		return false, false
	}
	ctx, cancel := context.WithTimeout(ctx, copyAttributesTimeout)
	defer cancel()
	sh, err := p.host.pool.Shell(ctx)
	if err != nil {
		return false, false
	}
	defer sh.Close()
	text, err := sh.Call(ctx, "acl", p.Source)
	return text == "acl", err == nil
}
