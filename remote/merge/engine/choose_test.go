package engine_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"sftpgate/remote/remotetest"
	"sftpgate/remote/sshpool"
)

// Which engine a host gets, found out by trying.
func TestChoice(t *testing.T) {
	t.Parallel()
	const isolated = `PATH=$BIN; export PATH`
	for name, test := range map[string]struct {
		first  string // what the login runs
		tools  []string
		script map[string]string // programs of the test's own
		engine string
		why    string // the shell was not taken
	}{
		"plain":                {engine: "shell"},
		"the login prints":     {first: `echo "Welcome! $(date)"; echo "sftpgate-shell 1 no"; printf 'no end of line'`, engine: "shell"},
		"the login reads":      {first: `head -c 620 >/dev/null`, engine: "copy-data", why: "shell"},
		"the login reads on":   {first: `head -c 100 >/dev/null`, engine: "shell"},
		"the login ends":       {first: `exit 0`, engine: "copy-data", why: "shell"},
		"all tools":            {first: isolated, tools: []string{"sh", "dd", "cat"}, engine: "shell"},
		"no dd":                {first: isolated, tools: []string{"sh", "cat"}, engine: "copy-data", why: "Self-test"},
		"no cat":               {first: isolated, tools: []string{"sh", "dd"}, engine: "copy-data", why: "Self-test"},
		"no sh":                {first: isolated, tools: []string{"dd", "cat"}, engine: "copy-data", why: "shell"},
		"a dd that cannot":     {first: isolated, tools: []string{"sh", "cat"}, script: map[string]string{"dd": "exit 0"}, engine: "copy-data", why: "12345"},
		"a cat that lies":      {first: isolated, tools: []string{"sh", "dd"}, script: map[string]string{"cat": `/bin/cat "$1" | /usr/bin/tr a b`}, engine: "copy-data", why: "are not there"},
		"a cat that falls out": {first: isolated, tools: []string{"sh", "dd"}, script: map[string]string{"cat": `/usr/bin/head -c 9000 "$1"`}, engine: "copy-data", why: "are not there"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := remotetest.StartAccount(t, test.first)
			a.Only(t, test.tools...)
			for tool, text := range test.script {
				if err := os.WriteFile(filepath.Join(a.Bin, tool), []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			u := newUpload(t, a.SSHD.Host("h"), sshpool.Options{}, 100_000)
			content := bytesOf(100_000)
			part := u.newPart()
			u.check(u.copy(part, u.commit(50_000, content[50_000:]), u.commit(0, content[:50_000])))
			choice, ok := u.engines.Chosen(u.Host(), u.Target().Root)
			if !ok || choice.Engine != test.engine {
				t.Fatalf("the engine is %q, want %s: %v", choice.Engine, test.engine, choice.Why)
			}
			if why := choice.Why["shell"]; !strings.Contains(why, test.why) || (why == "") != (test.why == "") {
				t.Errorf("why not shell: %q, want %q in it", why, test.why)
			}
			u.wantPart(part, content)
		})
	}
}

func TestChoiceOfHostsYAML(t *testing.T) {
	t.Parallel()
	full := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	bare := remotetest.StartSSHD(t, remotetest.SSHDOptions{ForceCommand: "internal-sftp"})
	old := remotetest.StartSSHD(t, remotetest.SSHDOptions{ForceCommand: "internal-sftp -P copy-data"})
	one := remotetest.StartSSHD(t, remotetest.SSHDOptions{ForceCommand: "internal-sftp", MaxSessions: 1})
	for _, test := range []struct {
		sshd                *remotetest.SSHD
		asked, engine, told string
	}{
		{full, "auto", "shell", "^It passed its self-test in ROOT; none is faster. Not copy-data: It is slower. Not stream: It is slower.$"},
		{full, "shell", "shell", "^hosts.yaml asks for shell. It passed its self-test in ROOT. Not copy-data: hosts.yaml asks for shell. Not stream: hosts.yaml asks for shell.$"},
		{full, "copy-data", "copy-data", "^hosts.yaml asks for copy-data. It passed its self-test in ROOT. Not shell: hosts.yaml asks"},
		{full, "stream", "stream", "Not shell: hosts.yaml asks for stream. Not copy-data: hosts.yaml asks for stream.$"},
		{bare, "auto", "copy-data", "^It passed its self-test in ROOT; nothing faster works there. Not shell: No shell: .* Not stream: It is slower.$"},
		{bare, "shell", "", "no merge engine works on this host: host h: shell: "},
		{old, "auto", "stream", "Not shell: No shell: .* Not copy-data: Self-test at offset 12345: .*\"Permission denied\" .SFTP status 3.\\.$"},
		{old, "copy-data", "", "no merge engine works .* copy-data: self-test"},
		{one, "auto", "stream", "Not copy-data: A second SFTP channel: the host allows only one channel per connection .MaxSessions 1"},
	} {
		h := test.sshd.Host("h")
		h.Engine = test.asked
		u := newUpload(t, h, sshpool.Options{}, 10)
		err := u.copy(u.newPart(), u.commit(0, []byte("0123456789")))
		choice, ok := u.engines.Chosen(u.Host(), u.Target().Root)
		told, want := choice.Explain(), strings.ReplaceAll(test.told, "ROOT", regexp.QuoteMeta(test.sshd.Root))
		if err != nil {
			told = err.Error()
		}
		if ok != (err == nil) || choice.Engine != test.engine || !regexp.MustCompile(want).MatchString(told) {
			t.Errorf("%s asked for: got %q, %q, want %q, %q", test.asked, choice.Engine, told, test.engine, want)
		}
		u.check(u.Remove(u.ctx))
	}
}

// The engine that was chosen cannot be opened later on.
func TestChoiceIsMadeAnew(t *testing.T) {
	t.Parallel()
	a := remotetest.StartAccount(t, `[ ! -e "$BIN/closed" ] || exit 1`)
	u := newUpload(t, a.SSHD.Host("h"), sshpool.Options{KeepShell: time.Nanosecond}, 20)
	part := u.newPart()
	u.check(u.copy(part, u.commit(0, []byte("0123456789"))))
	u.check(os.WriteFile(filepath.Join(a.Bin, "closed"), nil, 0o600))
	u.check(u.copy(part, u.commit(10, []byte("9876543210"))))
	if choice, _ := u.engines.Chosen(u.Host(), u.Target().Root); choice.Engine != "copy-data" {
		t.Errorf("the engine is %s", choice.Engine)
	}
	u.wantPart(part, []byte("01234567899876543210"))
}
