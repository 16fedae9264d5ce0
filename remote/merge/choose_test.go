package merge_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sftpgate/remote/link"
	"sftpgate/remote/remotetest"
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
		"the login reads":      {first: `head -c 620 >/dev/null`, engine: "stream", why: "shell"},
		"the login reads on":   {first: `head -c 100 >/dev/null`, engine: "shell"},
		"the login ends":       {first: `exit 0`, engine: "stream", why: "shell"},
		"all tools":            {first: isolated, tools: []string{"sh", "dd", "cat"}, engine: "shell"},
		"no dd":                {first: isolated, tools: []string{"sh", "cat"}, engine: "stream", why: "self-test"},
		"no cat":               {first: isolated, tools: []string{"sh", "dd"}, engine: "stream", why: "self-test"},
		"no sh":                {first: isolated, tools: []string{"dd", "cat"}, engine: "stream", why: "shell"},
		"a dd that cannot":     {first: isolated, tools: []string{"sh", "cat"}, script: map[string]string{"dd": "exit 0"}, engine: "stream", why: "12345"},
		"a cat that lies":      {first: isolated, tools: []string{"sh", "dd"}, script: map[string]string{"cat": `/bin/cat "$1" | /usr/bin/tr a b`}, engine: "stream", why: "does not stand there"},
		"a cat that falls out": {first: isolated, tools: []string{"sh", "dd"}, script: map[string]string{"cat": `/usr/bin/head -c 9000 "$1"`}, engine: "stream", why: "does not stand there"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAccount(t, test.first)
			a.only(t, test.tools...)
			for tool, text := range test.script {
				if err := os.WriteFile(filepath.Join(a.bin, tool), []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			u := newUpload(t, a.sshd.Host("h"), link.Options{}, 100_000)
			content := bytesOf(100_000)
			_, err := u.merge(u.commit(50_000, content[50_000:]), u.commit(0, content[:50_000]))
			u.check(err)
			choice, ok := u.engines.Chosen("h", u.Target().Root)
			if !ok || choice.Engine != test.engine {
				t.Fatalf("the engine is %q, want %s: %v", choice.Engine, test.engine, choice.Why)
			}
			if why := choice.Why["shell"]; !strings.Contains(why, test.why) || (why == "") != (test.why == "") {
				t.Errorf("why not shell: %q, want %q in it", why, test.why)
			}
			source, err := u.source()
			u.check(err)
			if got, err := os.ReadFile(source); err != nil || string(got) != string(content) {
				t.Errorf("the file is not what was sent: %v", err)
			}
		})
	}
}

func TestChoiceOfHostsYAML(t *testing.T) {
	t.Parallel()
	full := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	bare := remotetest.StartSSHD(t, remotetest.SSHDOptions{ForceCommand: "internal-sftp"})
	for _, test := range []struct {
		sshd                *remotetest.SSHD
		asked, engine, told string
	}{
		{full, "auto", "shell", ""},
		{full, "shell", "shell", ""},
		{full, "stream", "stream", "hosts.yaml asks for stream"},
		{bare, "auto", "stream", "the account gives no usable shell"},
		{bare, "shell", "", "there is no way to merge on this host: host h: shell: "},
	} {
		h := test.sshd.Host("h")
		h.Engine = test.asked
		u := newUpload(t, h, link.Options{}, 10)
		_, err := u.merge(u.commit(0, []byte("0123456789")))
		choice, ok := u.engines.Chosen("h", u.Target().Root)
		told := choice.Why["shell"]
		if err != nil {
			told = err.Error()
		}
		if ok != (err == nil) || choice.Engine != test.engine || !strings.Contains(told, test.told) {
			t.Errorf("%s asked for: got %q, %q, want %q, %q", test.asked, choice.Engine, told, test.engine, test.told)
		}
		u.check(u.Remove(u.ctx))
	}
}

// The engine that was chosen cannot be opened later on.
func TestChoiceIsMadeAnew(t *testing.T) {
	t.Parallel()
	a := newAccount(t, `[ ! -e "$BIN/closed" ] || exit 1`)
	u := newUpload(t, a.sshd.Host("h"), link.Options{}, 20)
	_, err := u.merge(u.commit(0, []byte("0123456789")))
	u.check(err)
	u.check(os.WriteFile(filepath.Join(a.bin, "closed"), nil, 0o600))
	_, err = u.merge(u.commit(10, []byte("9876543210")))
	u.check(err)
	if choice, _ := u.engines.Chosen("h", u.Target().Root); choice.Engine != "stream" {
		t.Errorf("the engine is %s", choice.Engine)
	}
	// The first writer closed in good order, or it would have to be asked for.
	source, err := u.source()
	u.check(err)
	if got, err := os.ReadFile(source); err != nil || string(got) != "01234567899876543210" {
		t.Errorf("got %q, %v", got, err)
	}
}
