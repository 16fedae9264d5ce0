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

// shellProbeTimeout bounds the tests of a shell that has answered.
const shellProbeTimeout = 20 * time.Second

// isInconclusive reports whether a failure tells nothing about the account: the
// connection was lost, time ran out, or it came so late that something was waited
// for in vain on the host.
func isInconclusive(err error, took time.Duration) bool {
	var host *Error
	return errors.As(err, &host) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || took > shellGrace
}

// setShellSilent notes that none has answered.
func (t *prober) setShellSilent(why string) {
	t.silent = true
	t.setNoExec(why)
}

func (t *prober) setNoExec(why string) {
	t.setAbsent("Exec", why)
	t.setAbsent("HashTool", "It needs a shell on the host.")
	t.setAbsent("Reflink", "It needs a shell on the host.")
}

// checkShell waits for the shell of a login and tries what can be run in it.
func (t *prober) checkShell(ctx context.Context, l *shellLogin) {
	<-l.done
	took := time.Since(l.began)
	switch err := l.err; {
	case err == nil:
	case errors.Is(err, context.DeadlineExceeded):
		t.setShellSilent(fmt.Sprintf("No shell: it did not answer within %v; will retry later.", took.Round(time.Second)))
		return
	case isInconclusive(err, took):
		t.setShellSilent(fmt.Sprintf("No shell: %v, after %v.", err, took.Round(time.Second)))
		return
	default:
		t.setNoExec(fmt.Sprintf("No shell: %v.", err))
		return
	}
	ctx, cancel := context.WithTimeout(ctx, shellProbeTimeout)
	defer cancel()
	seen, err := l.sh.Call(ctx, "see", t.path("shell"))
	if err != nil && isInconclusive(err, 0) {
		t.setShellSilent("The shell was lost while being probed.")
		return
	}
	if err != nil || seen != t.word {
		t.setNoExec("The shell does not see the files that SFTP shows.")
		return
	}
	t.found.Exec = true
	if _, err := l.sh.Call(ctx, "clone", t.path("shell"), t.path("cloned")); err == nil {
		t.found.Reflink = true
	} else {
		t.setAbsent("Reflink", "The filesystem has no reflinks, or the host's cp does not support them: merging writes every byte again.")
	}
	want := fmt.Sprintf("%x", sha256.Sum256([]byte(t.word)))
	for _, tool := range hashTools {
		if sum, err := l.sh.Call(ctx, "hash", tool, t.path("shell")); err == nil && sum == want {
			t.found.HashTool = tool
			return
		}
	}
	t.setAbsent("HashTool", "None of openssl, sha256sum and shasum gives a correct SHA-256.")
}
