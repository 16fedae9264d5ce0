package shell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sftpgate/remote/remotetest/await"
)

func TestLoginScriptsThatPrint(t *testing.T) {
	for _, a := range accounts(t) {
		for what, login := range map[string]string{
			"nothing":              ``,
			"a line":               `echo Welcome`,
			"half a line":          `printf 'Last login: today'`,
			"60 KiB":               `i=0; while [ $i -lt 1000 ]; do printf '%060d\n' $i; i=$((i+1)); done`,
			"a look-alike":         `echo sftpgate-shell; echo sftpgate-shell 0 ready.; echo ' sftpgate-shell 0 ready'`,
			"control codes":        `printf '\033[2J\001\002\377\376\r\n'`,
			"to standard error":    `echo oops >&2`,
			"and leaves a process": `( sleep 25 & )`, // which holds the output open
			"and goes on":          `( while echo noise; do sleep 1; done 2>/dev/null & )`,
			"a line and sets IFS":  `IFS=/; export IFS; echo x`,
		} {
			t.Run(a.name+"/"+what, func(t *testing.T) {
				t.Parallel()
				s, err := Start(await.Context(t), a.login(t, login))
				if err != nil {
					t.Fatal(err)
				}
				if _, err := s.Who(await.Context(t)); err != nil {
					t.Error(err)
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// What gives no usable shell is told apart soon, and leaves no process behind.
func TestNoShell(t *testing.T) {
	a := accounts(t)[0]
	// All that Start sends is read, and a file says so.
	reads := func(to, file string) string {
		return fmt.Sprintf(`dd bs=1 count=%d 2>/dev/null %s; : >%s; cat %s`, len(script), to, file, to)
	}
	for what, c := range map[string]struct {
		login string
		hangs string // the file that is there when it does, for as long as anybody waits
	}{
		"eats its input":         {reads(">/dev/null", "eaten"), "eaten"},
		"echoes its input":       {reads("", "echoed"), "echoed"},
		"refuses":                {`echo 'This account is not available.'; exit 1`, ""},
		"reads and ends":         {`dd bs=1 count=1 >/dev/null 2>&1; exit 0`, ""},
		"128 KiB of lines":       {`i=0; while [ $i -lt 2000 ]; do printf '%064d\n' $i; i=$((i+1)); done; cat >/dev/null`, ""},
		"128 KiB without a line": {`i=0; while [ $i -lt 2000 ]; do printf '%064d' $i; i=$((i+1)); done; cat >/dev/null`, ""},
		"70,000 empty lines":     {`i=0; while [ $i -lt 70 ]; do printf '%01000d' 0 | { read -r x; while [ "$x" ]; do x=${x#0}; echo; done; }; i=$((i+1)); done; cat >/dev/null`, ""},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			ctx, giveUp := context.WithCancel(await.Context(t))
			defer giveUp()
			p, result := a.login(t, c.login), make(chan error, 1)
			go func() {
				_, err := Start(ctx, p)
				result <- err
			}()
			if c.hangs != "" {
				await.Until(t, "the script to be read", func() bool {
					_, err := os.Stat(filepath.Join(a.home, c.hangs))
					return err == nil
				})
				giveUp()
			}
			err := await.Receive(t, "the end of the wait for a shell", result)
			if !errors.Is(err, ErrNoShell) {
				t.Fatalf("want ErrNoShell, got %v", err)
			}
			if errors.Is(err, context.Canceled) != (c.hangs != "") {
				t.Errorf("%v", err)
			}
			p.ends(t)
		})
	}
}

// scriptOnly is a process whose input ends behind the script, so that a shell that
// waits for more of it ends as well, and none is waited for in vain.
type scriptOnly struct{ *process }

func (p scriptOnly) Write(b []byte) (int, error) {
	n, err := p.process.Write(b)
	return n, errors.Join(err, p.CloseWrite())
}

// A login script that swallows the first lines of the script leaves a shell
// that works, or none: never one that lacks half of what it should know.
func TestLoginScriptThatEatsLines(t *testing.T) {
	a := accounts(t)[0]
	whole := 0
	var mu sync.Mutex
	t.Run("lines", func(t *testing.T) {
		for n := range strings.Count(script, "\n") + 1 {
			t.Run(fmt.Sprint(n), func(t *testing.T) {
				t.Parallel()
				login := fmt.Sprintf(`i=0; while [ $i -lt %d ]; do IFS= read -r x; i=$((i+1)); done`, n)
				_, err := Start(await.Context(t), scriptOnly{a.login(t, login)})
				if !errors.Is(err, ErrNoShell) {
					t.Fatal(err)
				}
				if !errors.Is(err, os.ErrClosed) { // it was not ready for what follows the script
					return
				}
				wantWorking(t, a, login)
				mu.Lock()
				whole++
				mu.Unlock()
			})
		}
	})
	if whole == 0 {
		t.Fatal("not even the whole script works")
	}
}

// wantWorking wants a shell that can do all that the script knows.
func wantWorking(t *testing.T, a *account, login string) {
	t.Helper()
	ctx := await.Context(t)
	s, err := Start(ctx, a.login(t, login))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	who, err := s.Who(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if gone, known, err := s.Gone(ctx, who); gone || !known || err != nil {
		t.Fatalf("gone %v, known %v, %v", gone, known, err)
	}
	dir := t.TempDir()
	source, part := write(t, filepath.Join(dir, "source"), "xyz"), write(t, filepath.Join(dir, "part"), "0123456789")
	if _, err := s.Call(ctx, "copy", copyParams(source, part, "3")...); err != nil {
		t.Fatal(err)
	}
	wantFile(t, part, "012xyz6789")
}

// silent is a Channel that takes everything and says nothing until it is
// closed; with eof, its output ends with its input.
type silent struct {
	eof    bool
	once   sync.Once
	closed chan struct{}
	out    *io.PipeReader
	far    *io.PipeWriter
}

func newSilent() *silent {
	s := &silent{closed: make(chan struct{})}
	s.out, s.far = io.Pipe()
	return s
}

func (s *silent) Read(b []byte) (int, error)  { return s.out.Read(b) }
func (s *silent) Write(b []byte) (int, error) { return len(b), nil }
func (s *silent) Wait() error                 { <-s.closed; return errors.New("closed") }

func (s *silent) CloseWrite() error {
	if s.eof {
		return s.far.Close()
	}
	return nil
}

func (s *silent) Close() error {
	s.once.Do(func() { close(s.closed); s.far.Close() })
	return nil
}

func TestHandshakeHasAnEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, ch := time.Now(), newSilent()
		_, err := Start(context.Background(), ch)
		if !errors.Is(err, ErrNoShell) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		if took := time.Since(began); took != LoginTimeout {
			t.Errorf("it took %s", took)
		}
		<-ch.closed // or the bubble is stuck
	})
}

func TestFarewellHasAnEnd(t *testing.T) {
	for _, eof := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			ch := newSilent()
			ch.eof = eof
			go func() { _, _ = io.WriteString(ch.far, ready+"\n") }()
			s, err := Start(context.Background(), ch)
			if err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			if err := s.Close(); err == nil {
				t.Error("a shell that never ended was said to have ended")
			}
			if took := time.Since(began); took != farewell {
				t.Errorf("it took %s", took)
			}
			<-ch.closed
		})
	}
}
