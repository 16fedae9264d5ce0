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
	in io.Reader
	watchdog
	moved func(int64)

	mu    sync.Mutex
	sent  int64
	taken bool // back: what is read from now on counts for nothing
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
	if f.moved != nil && n > 0 && !f.taken {
		f.sent += int64(n)
		f.moved(int64(n))
	}
	return n, err
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
