package link

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"sftpgate/remote/shell"
)

// hashTools are tried in this order, fastest first.
var hashTools = []string{"openssl", "sha256sum", "shasum"}

// shell tries "exec sh" and what can be run in it.
func (t *trial) shell(ctx context.Context, c *Conn) {
	noExec := func(why string) {
		t.lacks("Exec", why)
		t.lacks("HashTool", "It needs a shell on the host.")
	}
	sh, err := c.Shell(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = errors.New("it did not answer in time")
	}
	if err != nil {
		noExec(fmt.Sprintf("No shell could be talked to: %v.", err))
		return
	}
	defer func() { _ = sh.Close() }()
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
