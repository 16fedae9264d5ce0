package shell

import (
	"bufio"
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Command is what the host is asked to run. "exec" takes the login shell out
// of the way, whichever that is.
const Command = "exec sh"

//go:embed script.sh
var script string

// LoginTimeout bounds what a login script may take before the shell is ours. Some
// load version managers, ask a directory server or wait for a disk, on a machine
// that is busy; one that reads standard input swallows the script and never answers.
const LoginTimeout = 45 * time.Second

const (
	ready          = "sftpgate-shell 0 ready"
	handshakeNoise = 64 << 10 // bytes
	farewell       = 10 * time.Second
)

// ErrNoShell is returned where "exec sh" does not lead to a usable shell.
var ErrNoShell = errors.New("the account has no usable shell")

// Channel is a running command on the host.
type Channel interface {
	io.Reader // its standard output
	io.Writer // its standard input
	CloseWrite() error
	Close() error
	Wait() error
}

// Shell is a shell that waits for operations. It runs one at a time, for whoever asks
// first, and is safe for concurrent use.
type Shell struct {
	ch    Channel
	nonce string
	lines chan string
	ended chan struct{} // closed when its output has ended
	turn  chan struct{} // holds one while nothing runs
	// abandoned counts operations that go on though nobody waits for them.
	abandoned atomic.Int32

	mu  sync.Mutex
	err error   // why the shell is of no more use
	who Process // itself; none: it has not been asked
}

// Status is an operation that ended with a status other than 0.
type Status struct {
	Op   string
	Code int
}

func (s *Status) Error() string {
	return fmt.Sprintf("%s ended with status %d on the host", s.Op, s.Code)
}

// Start makes a shell of a channel on which Command was just started. Noise
// that a login script prints is passed over. The channel is closed on error.
func Start(ctx context.Context, ch Channel) (*Shell, error) {
	s := &Shell{ch: ch, nonce: rand.Text(), lines: make(chan string), ended: make(chan struct{}), turn: make(chan struct{}, 1)}
	s.turn <- struct{}{}
	go s.read()
	ctx, cancel := context.WithTimeout(ctx, LoginTimeout)
	defer cancel()
	if err := s.begin(ctx); err != nil {
		_ = ch.Close()
		go s.discardOutput()
		return nil, fmt.Errorf("%w: %w", ErrNoShell, err)
	}
	return s, nil
}

func (s *Shell) begin(ctx context.Context) error {
	if _, err := io.WriteString(s.ch, script); err != nil {
		return err
	}
	for noise := 0; ; {
		line, err := s.next(ctx)
		if err != nil {
			return err
		}
		if line == ready {
			break
		}
		if noise += len(line) + 1; noise > handshakeNoise {
			return fmt.Errorf("it printed more than %d bytes before it was ready", handshakeNoise)
		}
	}
	// Parameters only now: a shell may have read ahead of the script's end.
	_, err := io.WriteString(s.ch, s.nonce+"\n")
	return err
}

// Close ends the shell; nil means that whatever it ran has ended, and that it runs
// nothing any more. What the account's start-up files have left running may hold its
// output open for as long as it likes, so that is not waited for: the channel is
// closed, and what does not end is the host's.
func (s *Shell) Close() error {
	defer func() {
		_ = s.ch.Close()
		go s.discardOutput()
	}()
	ctx, cancel := context.WithTimeout(context.Background(), farewell)
	defer cancel()
	if err := s.begins(ctx); err != nil {
		return errStays
	}
	defer s.ends()
	if err := s.failed(); err != nil {
		return err
	}
	_, err := s.ask(ctx, "end")
	s.mu.Lock()
	s.err = errors.New("the shell is closed")
	s.mu.Unlock()
	if errors.Is(err, context.DeadlineExceeded) {
		return errStays
	}
	return err
}

var errStays = fmt.Errorf("the shell did not end within %s", farewell)

func (s *Shell) next(ctx context.Context) (string, error) {
	select {
	case line, more := <-s.lines:
		if !more {
			return "", fmt.Errorf("the shell ended: %w", io.ErrUnexpectedEOF)
		}
		return line, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// read hands out lines until the output ends; lines longer than any answer in
// pieces. A last line without its end was cut on the way: half an answer is none.
func (s *Shell) read() {
	defer close(s.lines)
	defer close(s.ended)
	for r := bufio.NewReaderSize(s.ch, 64<<10); ; {
		line, err := r.ReadSlice('\n')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return
		}
		if whole, ended := strings.CutSuffix(string(line), "\n"); ended {
			s.lines <- strings.TrimSuffix(whole, "\r")
		} else {
			s.lines <- string(line)
		}
	}
}

func (s *Shell) discardOutput() {
	for range s.lines {
	}
}
