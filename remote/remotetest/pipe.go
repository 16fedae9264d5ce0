package remotetest

import (
	"bytes"
	"io"
	"sync"
)

// pipe carries bytes one way. It has no limit, so that a writer – which may hold
// a lock, as pkg/sftp's does – never blocks; a reader blocks on a sync.Cond,
// which testing/synctest knows.
type pipe struct {
	mu     sync.Mutex
	more   sync.Cond
	buf    bytes.Buffer
	closed bool
}

func newPipe() *pipe {
	p := &pipe{}
	p.more.L = &p.mu
	return p
}

func (p *pipe) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return 0, io.ErrClosedPipe
	}
	p.more.Broadcast()
	return p.buf.Write(b)
}

// Read returns io.EOF once the pipe is closed and what was in it is read.
func (p *pipe) Read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.buf.Len() == 0 {
		if p.closed {
			return 0, io.EOF
		}
		p.more.Wait()
	}
	return p.buf.Read(b)
}

// Close ends the writing; what was written can still be read.
func (p *pipe) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.more.Broadcast()
}
