package merge_test

import (
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"sftpgate/remote/merge"
	"sftpgate/remote/record"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/sshpool"
)

// The digest is taken by a tool on the host, and read back where there is none
// (any more).
func TestVerifyByToolOrReadBack(t *testing.T) {
	t.Parallel()
	const isolated = `[ ! -e "$BIN/closed" ] || exit 1; PATH=$BIN; export PATH`
	for name, test := range map[string]struct {
		tools []string
		want  string // the tool
		then  func(bin string) error
	}{
		"openssl":             {[]string{"sh", "dd", "cat", "openssl", "sha256sum"}, "openssl", nil},
		"sha256sum":           {[]string{"sh", "dd", "cat", "sha256sum"}, "sha256sum", nil},
		"none":                {[]string{"sh", "dd", "cat"}, "", nil},
		"taken away":          {[]string{"sh", "dd", "cat", "sha256sum"}, "sha256sum", func(bin string) error { return os.Remove(filepath.Join(bin, "sha256sum")) }},
		"the shell is too":    {[]string{"sh", "dd", "cat", "sha256sum"}, "sha256sum", func(bin string) error { return os.WriteFile(filepath.Join(bin, "closed"), nil, 0o600) }},
		"it answers nonsense": {[]string{"sh", "dd", "cat", "sha256sum"}, "sha256sum", func(bin string) error { return replaceTool(bin, "echo a-digest") }},
		"it ends the shell":   {[]string{"sh", "dd", "cat", "sha256sum"}, "sha256sum", func(bin string) error { return replaceTool(bin, "kill -9 $PPID") }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := remotetest.StartAccount(t, isolated)
			a.Only(t, test.tools...)
			content := bytesOf(123_456)
			u := newUpload(t, a.SSHD.Host("h"), sshpool.Options{}, int64(len(content)))
			if got := u.Can().HashTool; got != test.want {
				t.Fatalf("the tool is %q, want %q: %v", got, test.want, u.Can().Why)
			}
			source := u.commit(0, content).Path
			if test.then != nil {
				u.check(test.then(a.Bin))
			}
			right, wrong := record.Sum(sha256.Sum256(content)), record.Sum{}
			if by, err := merge.Verify(u.ctx, u.Generation, source, int64(len(content)), &right); err != nil || by != merge.BySHA256 {
				t.Errorf("got %q, %v", by, err)
			}
			var differs *merge.DigestError
			if _, err := merge.Verify(u.ctx, u.Generation, source, int64(len(content)), &wrong); !errors.As(err, &differs) || differs.Actual != right {
				t.Errorf("a wrong digest: %v", err)
			}
		})
	}
}

// replaceTool puts a script in the place of the tool for digests.
func replaceTool(bin, script string) error {
	tool := filepath.Join(bin, "sha256sum")
	if err := os.Remove(tool); err != nil {
		return err
	}
	return os.WriteFile(tool, []byte("#!/bin/sh\n"+script+"\n"), 0o700)
}
