package shell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// longestOp bounds an operation that nobody bounds.
const longestOp = 5 * time.Minute

// Call runs one operation of the script and returns the text of its answer. It waits
// for its turn first. An operation that fails is a *Status.
//
// When ctx is cancelled the operation goes on, and the shell is for others when it has
// ended: see Drain. One that is not answered by the deadline of ctx ends the shell.
func (s *Shell) Call(ctx context.Context, op string, params ...string) (string, error) {
	if err := printable(op, params); err != nil {
		return "", err
	}
	return inTurn(ctx, s, longestOp, func(ctx context.Context) (string, error) { return s.ask(ctx, op, params...) })
}

// Drain waits for the operations that their callers have given up. nil means that none
// of these runs any more, and that the shell is of use. What others ask meanwhile is not
// waited for.
func (s *Shell) Drain(ctx context.Context) error {
	if s.abandoned.Load() > 0 {
		if err := s.begins(ctx); err != nil {
			return err
		}
		s.ends()
	}
	return s.brokenError()
}

// Broken reports whether the shell is of no more use, as far as that is known.
func (s *Shell) Broken() bool { return s.brokenError() != nil }

func (s *Shell) brokenError() error {
	if err := s.failed(); err != nil {
		return err
	}
	select {
	case <-s.ended:
		return fmt.Errorf("the shell ended: %w", io.ErrUnexpectedEOF)
	default:
		return nil
	}
}

// inTurn runs do when it is the caller's turn, and lets it take so long from then on. It
// does not wait for its end once ctx is cancelled.
func inTurn[T any](ctx context.Context, s *Shell, within time.Duration, do func(context.Context) (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	var none T
	if err := s.begins(ctx); err != nil {
		return none, err
	}
	ended := make(chan result, 1)
	go func() {
		defer s.ends()
		ctx, cancel := bounded(ctx, within)
		defer cancel()
		value, err := do(ctx)
		ended <- result{value, err}
	}()
	select {
	case r := <-ended:
		return r.value, r.err
	case <-ctx.Done():
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) { // do ends too, and knows better
		r := <-ended
		return r.value, r.err
	}
	s.abandoned.Add(1)
	go func() {
		<-ended
		s.abandoned.Add(-1)
	}()
	return none, ctx.Err()
}

// bounded keeps the deadline of a context and nothing else of it, and adds another.
func bounded(ctx context.Context, within time.Duration) (context.Context, context.CancelFunc) {
	end := time.Now().Add(within)
	if sooner, ok := ctx.Deadline(); ok && sooner.Before(end) {
		end = sooner
	}
	return context.WithDeadline(context.WithoutCancel(ctx), end)
}

// begins waits for the turn, ends gives it on.
func (s *Shell) begins(ctx context.Context) error {
	select {
	case <-s.turn:
		return nil
	default:
	}
	select {
	case <-s.turn:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting for what the shell is at: %w", ctx.Err())
	}
}

func (s *Shell) ends() { s.turn <- struct{}{} }

// ask runs an operation. With the turn, as all below.
func (s *Shell) ask(ctx context.Context, op string, params ...string) (string, error) {
	if err := s.send(append([]string{op}, params...)); err != nil {
		return "", err
	}
	return s.receive(ctx, op)
}

// send asks for operations, a line each with its parameters.
func (s *Shell) send(lines []string) error {
	if err := s.failed(); err != nil {
		return err
	}
	if _, err := io.WriteString(s.ch, strings.Join(lines, "\n")+"\n"); err != nil {
		return s.fail(fmt.Errorf("%s: %w", lines[0], err))
	}
	return nil
}

// printable refuses parameters that would be taken for more than one.
func printable(op string, params []string) error {
	for _, p := range params {
		if strings.ContainsAny(p, "\n\x00") {
			return fmt.Errorf("%s: %q cannot be handed to a shell line by line", op, p)
		}
	}
	return nil
}

// receive returns the next answer, which is that of op.
func (s *Shell) receive(ctx context.Context, op string) (string, error) {
	for {
		line, err := s.next(ctx)
		if err != nil {
			return "", s.fail(fmt.Errorf("%s: %w", op, err))
		}
		rest, ours := strings.CutPrefix(line, s.nonce+" ")
		if !ours {
			continue
		}
		code, text, _ := strings.Cut(rest, " ")
		status, err := strconv.Atoi(code)
		if err != nil {
			return "", s.fail(fmt.Errorf("%s: answer %q makes no sense", op, rest))
		}
		if status != 0 {
			return text, &Status{Op: op, Code: status}
		}
		return text, nil
	}
}

func (s *Shell) fail(err error) error {
	s.mu.Lock()
	s.err = err
	s.mu.Unlock()
	_ = s.ch.Close()
	return err
}

// failed is why nothing more can be asked.
func (s *Shell) failed() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}
