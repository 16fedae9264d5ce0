package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"sftpgate/gateway"
)

// parted is a stream on a connection that was taken out of net/http's hands.
type parted struct {
	all     *streams
	src     Source
	idle    time.Duration // how long a write may take
	every   time.Duration // how often it shows that it is alive
	account *account
	failed  error // of a write
	heard   [64]byte

	mu    sync.Mutex
	conn  net.Conn
	woken bool
	over  bool // the server is shutting down
}

var longAgo = time.Unix(1, 0)

// wake ends a read that waits: there may be something to tell.
func (p *parted) wake() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.woken = true
	if p.conn != nil {
		_ = p.conn.SetReadDeadline(longAgo)
	}
}

// run tells what comes until the end, or until the client has left.
func (p *parted) run() {
	defer p.all.remove(p)
	defer p.end()
	defer p.src.Leave()
	err := p.follow()
	switch {
	case err == nil: // without this the client would see an answer that broke off
		p.write([]byte("0\r\n\r\n"), 0)
	case !errors.Is(err, errLeft):
		p.account.refused(fmt.Errorf("the stream of events broke off: %w", err))
	}
}

// end must be deferred itself. A panic ends this stream alone.
func (p *parted) end() {
	if v := recover(); v != nil {
		p.account.panicked(v, string(debug.Stack()))
	}
	_ = p.conn.Close()
	p.account.write(context.Background())
}

// follow returns nil for an end in good order.
func (p *parted) follow() error {
	beat := time.Now().Add(p.every)
	for {
		err := p.tell()
		switch {
		case errors.Is(err, io.EOF), gateway.CodeOf(err) == gateway.ShuttingDown, err == nil && p.isOver():
			return nil
		case err != nil:
			return err
		case !p.await(beat):
			return errLeft
		}
		if now := time.Now(); !now.Before(beat) {
			p.write(alive.chunk, len(alive.text))
			beat = now.Add(p.every)
		}
	}
}

// errLeft ends the stream of a client that is gone.
var errLeft = errors.New("web: the client has left")

// tell writes what there is to tell. What failed to be written is seen here.
func (p *parted) tell() error {
	for p.failed == nil {
		e, err := p.src.Next()
		if err != nil || e == nil {
			return err
		}
		p.write(e.chunk, len(e.text))
	}
	if !errors.Is(p.failed, os.ErrDeadlineExceeded) {
		return errLeft
	}
	return p.failed
}

// await waits until it is woken, or until that time; false means that the client has
// left. To read is how that is noticed at once; what comes is nothing that was asked for.
func (p *parted) await(until time.Time) bool {
	for {
		p.mu.Lock()
		woken := p.woken
		p.woken = false
		if !woken {
			_ = p.conn.SetReadDeadline(until)
		}
		p.mu.Unlock()
		if woken {
			return true
		}
		if _, err := p.conn.Read(p.heard[:]); err != nil {
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				return false
			}
			p.mu.Lock()
			p.woken = false
			p.mu.Unlock()
			return true
		}
	}
}

func (p *parted) isOver() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.over
}

// write brings something out, with so many bytes of the body in it; once that has failed
// nothing more is.
func (p *parted) write(b []byte, body int) {
	if p.failed != nil {
		return
	}
	_ = p.conn.SetWriteDeadline(time.Now().Add(p.idle))
	if _, p.failed = p.conn.Write(b); p.failed == nil {
		p.account.seen.Out += int64(body)
	}
}
