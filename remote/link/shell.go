package link

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"sftpgate/remote/shell"
)

// hashTools are tried in this order, fastest first.
var hashTools = []string{"openssl", "sha256sum", "shasum"}

// login is a shell that is being started.
type login struct {
	within time.Duration
	end    context.CancelFunc
	done   chan struct{}

	// -- set when done is closed
	sh  *shell.Shell
	err error
}

// logIn starts a shell, in the background.
func (p *Pool) logIn(ctx context.Context, c *Conn) *login {
	l := &login{within: p.options.LoginTimeout, done: make(chan struct{})}
	ctx, l.end = context.WithTimeout(ctx, l.within)
	go func() {
		defer close(l.done)
		l.sh, l.err = c.Shell(ctx)
	}()
	return l
}

// leave ends the shell, started or not. Nobody waits for one that hangs.
func (l *login) leave() {
	l.end()
	<-l.done
	if l.sh != nil {
		_ = l.sh.Close()
	}
}

// shell tries "exec sh" and what can be run in it.
func (t *trial) shell(ctx context.Context, l *login) {
	noExec := func(why string) {
		t.lacks("Exec", why)
		t.lacks("HashTool", "It needs a shell on the host.")
	}
	<-l.done
	sh, err := l.sh, l.err
	if t.slow = errors.Is(err, context.DeadlineExceeded); t.slow {
		err = fmt.Errorf("it did not answer within %v, and is asked again later", l.within)
	}
	if err != nil {
		noExec(fmt.Sprintf("No shell could be talked to: %v.", err))
		return
	}
	ctx, cancel := context.WithTimeout(ctx, l.within)
	defer cancel()
	if seen, err := sh.Call(ctx, "see", t.path("shell")); err != nil || seen != t.word {
		noExec("The shell does not see the files that SFTP shows.")
		return
	}
	t.found.Exec = true
	want := fmt.Sprintf("%x", sha256.Sum256([]byte(t.word)))
	for _, tool := range hashTools {
		if sum, err := sh.Call(ctx, "hash", tool, t.path("shell")); err == nil && sum == want {
			t.found.HashTool = tool
			return
		}
	}
	t.lacks("HashTool", "Neither openssl nor sha256sum nor shasum gives a correct SHA-256 there.")
}

// Shell starts a shell on the host. The caller closes it.
//
// Errors: shell.ErrNoShell where the account gives none.
func (c *Conn) Shell(ctx context.Context) (*shell.Shell, error) {
	ch, err := c.Exec(ctx, shell.Command)
	if err != nil {
		return nil, err
	}
	return shell.Start(ctx, ch)
}
