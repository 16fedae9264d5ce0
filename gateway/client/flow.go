package client

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"
)

var errStalled = errors.New("nothing moved for too long")

// watchdog ends a call in which nothing moves.
type watchdog struct{ timer *time.Timer }

func watch(end context.CancelCauseFunc) watchdog {
	return watchdog{time.AfterFunc(answerIn, func() { end(errStalled) })}
}

func (w watchdog) Stop() { w.timer.Stop() }

// flow is a body on its way. Its reader is asked by the transport alone.
type flow struct {
	in   io.Reader
	size int64
	watchdog
	moved func(int64)

	mu    sync.Mutex
	read  int64
	sent  int64
	taken bool // back: what is read from now on counts for nothing
	err   error
}

func (f *flow) Read(b []byte) (int, error) {
	n, err := f.in.Read(b)
	if err == nil {
		f.timer.Reset(patience)
	} else {
		f.timer.Reset(answerIn)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.read += int64(n)
	if errors.Is(err, io.EOF) && f.read < f.size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil && !errors.Is(err, io.EOF) {
		f.err = err
	}
	if f.moved != nil && n > 0 && !f.taken {
		f.sent += int64(n)
		f.moved(int64(n))
	}
	return n, err
}

// failure is why the body itself could not be read.
func (f *flow) failure() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

// takeBack says that what has left did not count.
func (f *flow) takeBack() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.moved != nil && !f.taken {
		f.moved(-f.sent)
	}
	f.taken = true
}
