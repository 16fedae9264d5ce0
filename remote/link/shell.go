package link

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
)

// maxNoise is how much a start-up file may print before the shell answers.
const maxNoise = 64 << 10

// hashTools are tried in this order, fastest first. Each prints the SHA-256 of
// its input in hexadecimal at the start of a line.
var hashTools = []struct{ name, command string }{
	{"openssl", "openssl dgst -sha256 -r"},
	{"sha256sum", "sha256sum"},
	{"shasum", "shasum -a 256"},
}

// abcDigest is the SHA-256 of "abc" (FIPS 180-2, B.1).
const abcDigest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

// shell tries "exec sh" and what can be run in it.
func (t *trial) shell(ctx context.Context, c *Conn) {
	noExec := func(why string) {
		t.lacks("Exec", "%s", why)
		t.lacks("HashTool", "It needs a shell on the host.")
	}
	word := rand.Text()
	if err := t.write("x", word); err != nil {
		noExec(fmt.Sprintf("The test file could not be written: %v.", err))
		return
	}
	sh, err := startShell(ctx, c)
	if err != nil {
		noExec(fmt.Sprintf("No shell could be talked to: %v.", err))
		return
	}
	defer sh.close()
	seen, err := sh.ask("cat " + shellQuote(t.path("x")) + " 2>&1")
	if err != nil || seen != word {
		noExec("The shell does not see the files that SFTP shows.")
		return
	}
	t.found.Exec = true
	for _, tool := range hashTools {
		if out, err := sh.ask("printf abc | " + tool.command + " 2>/dev/null"); err == nil && strings.HasPrefix(out, abcDigest) {
			t.found.HashTool = tool.name
			return
		}
	}
	t.lacks("HashTool", "Neither openssl nor sha256sum nor shasum gives a correct SHA-256 there.")
}

// talk is a conversation with a shell on the host.
type talk struct {
	ch   Channel
	stop func() bool
	buf  []byte // read and not yet used
	err  error
}

// startShell runs exactly "exec sh", which is the same in every login shell, and
// waits until it answers. What is printed before is not ours. The conversation
// ends with ctx.
func startShell(ctx context.Context, c *Conn) (*talk, error) {
	ch, err := c.Exec(ctx, "exec sh")
	if err != nil {
		return nil, err
	}
	t := &talk{ch: ch}
	t.stop = context.AfterFunc(ctx, func() { _ = ch.Close() })
	if _, err := t.ask(":"); err != nil {
		t.close()
		if ctx.Err() != nil {
			err = errors.New("it did not answer in time")
		}
		return nil, err
	}
	return t, nil
}

// ask runs one command line and returns what it printed. The end mark is put
// together by the shell, so that an echo of our input is not taken for it.
func (t *talk) ask(command string) (string, error) {
	if t.err != nil {
		return "", t.err
	}
	front, back := rand.Text(), rand.Text()
	line := fmt.Sprintf("{ %s; } </dev/null\nprintf '%%s%%s\\n' %s %s\n", command, front, back)
	if _, t.err = t.ch.Write([]byte(line)); t.err != nil {
		return "", t.err
	}
	mark := []byte(front + back + "\n")
	for {
		if before, after, found := bytes.Cut(t.buf, mark); found {
			t.buf = bytes.Clone(after)
			return string(before), nil
		}
		if len(t.buf) > maxNoise {
			t.err = errors.New("it prints without end")
			return "", t.err
		}
		b := make([]byte, 4096)
		n, err := t.ch.Read(b)
		t.buf = append(t.buf, b[:n]...)
		if err != nil && n == 0 {
			t.err = fmt.Errorf("it ended (%w) after printing %q", err, firstBytes(t.buf))
			return "", t.err
		}
	}
}

func (t *talk) close() {
	t.stop()
	_ = t.ch.CloseWrite()
	_ = t.ch.Close()
}

func firstBytes(b []byte) []byte { return b[:min(len(b), 200)] }

// shellQuote makes one word of s for any POSIX shell.
func shellQuote(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
