package registry

import (
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"sftpgate/remote/remotetest/await"
)

const fullFile = "SFTPGATE_TEST_FULL_FILE"

// A file that can be read and not written is no registry: the gateway is not ready
// while that lasts, and says so once.
func TestBoltThatTakesNothing(t *testing.T) {
	t.Parallel()
	if path := os.Getenv(fullFile); path != "" { // a process of its own, whose files may not grow
		writeToAFullDisk(t, path)
		return
	}
	second := exec.CommandContext(await.Context(t), os.Args[0], "-test.run=^TestBoltThatTakesNothing$", "-test.v")
	second.Env = append(os.Environ(), fullFile+"="+filepath.Join(t.TempDir(), "registry.db"))
	if out, err := second.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS") {
		t.Errorf("%v\n%s", err, out)
	}
}

func writeToAFullDisk(t *testing.T, path string) {
	signal.Ignore(syscall.SIGXFSZ)
	l := &logged{}
	b, err := OpenBolt(path, l.log())
	must(t, "OpenBolt", err)
	defer b.Close()
	must(t, "Ping", b.Ping(t.Context()))
	limit := func(bytes uint64) {
		must(t, "setrlimit", syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: bytes, Max: 1 << 40}))
	}
	limit(0)
	for range 3 {
		unavailable(t, "Ping", func() error { return b.Ping(t.Context()) })
	}
	if b.Answers() {
		t.Error("it is said to take what is written")
	}
	if _, _, err := b.Get(t.Context(), "id"); err != nil {
		t.Errorf("reading: %v", err)
	}
	limit(1 << 40)
	must(t, "Ping again", b.Ping(t.Context()))
	if text := l.String(); !b.Answers() || strings.Count(text, "cannot write the state file") != 1 || strings.Count(text, "is writable again") != 1 {
		t.Errorf("the log says %s", text)
	}
}
