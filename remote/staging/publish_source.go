package staging

import (
	"errors"
	"io/fs"

	"github.com/pkg/sftp"
)

// openSource begins to open the source, to be synced.
func (p *publisher) openSource() *sourceFile {
	o := &sourceFile{p: p, ready: make(chan struct{})}
	go func() {
		defer close(o.ready)
		o.file, o.err = p.c.OpenFile(p.Source, writeOnly)
	}()
	return o
}

// sourceFile is the source as it is open.
type sourceFile struct {
	p     *publisher
	ready chan struct{} // closed when the rest is known
	file  *sftp.File
	err   error
}

func (o *sourceFile) sync() error {
	<-o.ready
	if errors.Is(o.err, fs.ErrPermission) {
		// A mode or an owner that we gave it can forbid it; the bytes were synced before.
		return nil
	}
	err := o.err
	if err == nil {
		err = syncFile(o.file, o.p.can)
	}
	if err != nil {
		return Doing("sync", o.p.Source, err)
	}
	return nil
}

// close does not wait for the host, whose fsync has told how it went.
func (o *sourceFile) close() {
	go func() {
		if <-o.ready; o.file != nil {
			_ = o.file.Close()
		}
	}()
}

func (p *publisher) sync() error {
	source := p.openSource()
	defer source.close()
	return source.sync()
}
