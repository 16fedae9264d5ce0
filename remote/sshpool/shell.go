package sshpool

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"
)

// hashTools are tried in this order, fastest first.
var hashTools = []string{"openssl", "sha256sum", "shasum"}

// seeWithin bounds the tests of a shell that has answered.
const seeWithin = 20 * time.Second

// failedLate reports whether a failure tells nothing about the account: the
// connection was lost, time ran out, or it came so late that something was waited
// for in vain on the host.
func failedLate(err error, took time.Duration) bool {
	var host *Error
	return errors.As(err, &host) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || took > shellGrace
}

// noShell notes that none has answered.
func (t *trial) noShell(why string) {
	t.silent = true
	t.noExec(why)
}

func (t *trial) noExec(why string) {
	t.lacks("Exec", why)
	t.lacks("HashTool", "It needs a shell on the host.")
	t.lacks("Reflink", "It needs a shell on the host.")
}

// shell waits for the shell of a login and tries what can be run in it.
func (t *trial) shell(ctx context.Context, l *login) {
	<-l.done
	took := time.Since(l.began)
	switch err := l.err; {
	case err == nil:
	case errors.Is(err, context.DeadlineExceeded):
		t.noShell(fmt.Sprintf("No shell: it did not answer within %v; will retry later.", took.Round(time.Second)))
		return
	case failedLate(err, took):
		t.noShell(fmt.Sprintf("No shell: %v, after %v.", err, took.Round(time.Second)))
		return
	default:
		t.noExec(fmt.Sprintf("No shell: %v.", err))
		return
	}
	ctx, cancel := context.WithTimeout(ctx, seeWithin)
	defer cancel()
	seen, err := l.sh.Call(ctx, "see", t.path("shell"))
	if err != nil && failedLate(err, 0) {
		t.noShell("The shell was lost while being probed.")
		return
	}
	if err != nil || seen != t.word {
		t.noExec("The shell does not see the files that SFTP shows.")
		return
	}
	t.found.Exec = true
	if _, err := l.sh.Call(ctx, "clone", t.path("shell"), t.path("cloned")); err == nil {
		t.found.Reflink = true
	} else {
		t.lacks("Reflink", "The filesystem has no reflinks, or the host's cp does not support them: merging writes every byte again.")
	}
	want := fmt.Sprintf("%x", sha256.Sum256([]byte(t.word)))
	for _, tool := range hashTools {
		if sum, err := l.sh.Call(ctx, "hash", tool, t.path("shell")); err == nil && sum == want {
			t.found.HashTool = tool
			return
		}
	}
	t.lacks("HashTool", "None of openssl, sha256sum and shasum gives a correct SHA-256.")
}
