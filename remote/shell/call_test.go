package shell

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sftpgate/remote/remotetest/await"
)

// names that a shell would make something of.
var names = []string{
	"plain", "with space", " leading and trailing ", "-rf", "--help", "-", "*", "?", "[a-z]", "~", "~root", "#x", "!!", "$HOME", "$$",
	"$(touch pwned)", "`touch pwned`", "'; touch pwned; '", `"; touch pwned; "`, "a;touch pwned", "a&touch pwned", "a|touch pwned",
	">pwned", "<x", `back\slash`, `\n`, `\`, "tab\there", "\rreturn", "ünïcödé", "e\u0301", "名字", "🙂", "\x01\x7f", "%s%n", "=x", "{a,b}",
}

func TestNamesAreNeverCode(t *testing.T) {
	t.Parallel()
	for _, a := range accounts(t) {
		s, _ := a.start(t)
		for _, name := range names {
			dir := t.TempDir()
			sub := filepath.Join(dir, name) // in a directory's name as well
			if err := os.Mkdir(sub, 0o700); err != nil {
				t.Fatal(err)
			}
			source := write(t, sub+string(filepath.Separator)+name, "content of "+name)
			part := write(t, filepath.Join(dir, name+".part"), "..")
			if _, err := s.Call(await.Context(t), "copy", copyParams(source, part, "2")...); err != nil {
				t.Errorf("%s: copy %q: %v", a.name, name, err)
				continue
			}
			wantFile(t, part, "..content of "+name)
		}
		if err := s.Close(); err != nil {
			t.Errorf("%s: %v", a.name, err)
		}
		if left, _ := os.ReadDir(a.home); len(left) != 0 {
			t.Errorf("%s: a name was run: %v", a.name, left)
		}
	}
}

func TestNamesThatCannotBeSaid(t *testing.T) {
	t.Parallel()
	s, _ := accounts(t)[0].start(t)
	for _, name := range []string{"a\nb", "\n", "a\x00b"} {
		_, err := s.Call(await.Context(t), "copy", copyParams(name, "/nowhere", "0")...)
		var status *Status
		if err == nil || errors.As(err, &status) {
			t.Fatalf("%q reached the shell: %v", name, err)
		}
	}
	if _, err := s.Who(await.Context(t)); err != nil {
		t.Fatalf("afterwards: %v", err)
	}
}

func TestCopyAtOffsets(t *testing.T) {
	t.Parallel()
	for _, a := range accounts(t) {
		s, _ := a.start(t)
		dir := t.TempDir()
		source := write(t, filepath.Join(dir, "source"), "pattern")
		part := filepath.Join(dir, "part")
		f, err := os.Create(part)
		if err == nil {
			err = f.Truncate(7<<30 + 100)
		}
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for _, off := range []int64{12345, 0, 1<<31 - 3, 1<<32 - 1, 5<<30 + 7, 7<<30 + 93, 7<<30 + 1001} {
			if _, err := s.Call(await.Context(t), "copy", copyParams(source, part, fmt.Sprint(off))...); err != nil {
				t.Fatalf("%s: at %d: %v", a.name, off, err)
			}
			got := make([]byte, 9)
			from := max(off-1, 0)
			n, err := f.ReadAt(got, from)
			if want := strings.Repeat("\x00", int(off-from)) + "pattern"; err != nil && !errors.Is(err, io.EOF) || !strings.HasPrefix(string(got[:n]), want) {
				t.Fatalf("%s: at %d: %q, %v", a.name, off, got[:n], err)
			}
		}
		if info, _ := f.Stat(); info.Size() != 7<<30+1008 {
			t.Errorf("%s: the part has %d bytes", a.name, info.Size())
		}
	}
}

func TestCopyNeitherCutsNorAppends(t *testing.T) {
	t.Parallel()
	for _, a := range accounts(t) {
		s, _ := a.start(t)
		dir := t.TempDir()
		part := write(t, filepath.Join(dir, "part"), "0123456789")
		for off, text := range map[string]string{"3": "abc", "0": "", "9": "z"} {
			source := write(t, filepath.Join(dir, "source"+off), text)
			if _, err := s.Call(await.Context(t), "copy", copyParams(source, part, off)...); err != nil {
				t.Fatalf("%s: %v", a.name, err)
			}
		}
		wantFile(t, part, "012abc678z")
	}
}

// copyParams are those of a copy of one source, without a stamp.
func copyParams(source, part, off string) []string { return []string{source, part, "", off} }

// A copy that cannot be done leaves the part alone, and the shell in order.
func TestCopyThatFails(t *testing.T) {
	t.Parallel()
	for _, a := range accounts(t) {
		s, _ := a.start(t)
		dir := t.TempDir()
		source, part := write(t, filepath.Join(dir, "source"), "new"), write(t, filepath.Join(dir, "part"), "0123456789")
		for what, params := range map[string][]string{
			"missing source":      {filepath.Join(dir, "none"), part, "3"},
			"source is no file":   {dir, part, "3"},
			"missing directory":   {source, filepath.Join(dir, "none", "part"), "3"},
			"part is a directory": {source, dir, "3"},
			"offset is no number": {source, part, "x"},
			"negative offset":     {source, part, "-1"},
			"no offset":           {source, part, ""},
			"offset past 2^63":    {source, part, "9223372036854775808"},
		} {
			_, err := s.Call(await.Context(t), "copy", copyParams(params[0], params[1], params[2])...)
			if err == nil {
				t.Errorf("%s: %s: no error", a.name, what)
				continue
			}
			wantStatus(t, err)
			wantFile(t, part, "0123456789")
		}
		if _, err := s.Call(await.Context(t), "copy", copyParams(source, part, "3")...); err != nil {
			t.Errorf("%s: afterwards: %v", a.name, err)
		}
		wantFile(t, part, "012new6789")
		if err := s.Close(); err != nil {
			t.Errorf("%s: close: %v", a.name, err)
		}
	}
}

// A dd that fails must not let cat write at the beginning, which may be merged already.
func TestCopyWithoutItsTools(t *testing.T) {
	t.Parallel()
	for tool, script := range map[string]string{"dd": "exit 1", "dd ": "", "cat": "exit 1", "cat ": ""} {
		for _, a := range accounts(t) {
			a.replace(t, strings.TrimSpace(tool), script)
			s, _ := a.start(t)
			dir := t.TempDir()
			source, part := write(t, filepath.Join(dir, "source"), "new"), write(t, filepath.Join(dir, "part"), "0123456789")
			_, err := s.Call(await.Context(t), "copy", copyParams(source, part, "3")...)
			wantStatus(t, err)
			wantFile(t, part, "0123456789")
		}
	}
}

func TestHash(t *testing.T) {
	t.Parallel()
	for _, a := range accounts(t) {
		s, _ := a.start(t)
		content := strings.Repeat("content\n", 10_000)
		want := fmt.Sprintf("%x", sha256.Sum256([]byte(content)))
		tried := 0
		for _, tool := range []string{"openssl", "sha256sum", "shasum"} {
			if _, err := os.Lstat(filepath.Join(a.bin, tool)); err != nil {
				if _, err := s.Call(await.Context(t), "hash", tool, "/dev/null"); err == nil {
					t.Errorf("%s: %s is not there and still answers", a.name, tool)
				}
				continue
			}
			tried++
			for _, name := range []string{"plain", `-a b'"$(touch pwned)\`, "*", "back\\slash"} {
				file := write(t, filepath.Join(t.TempDir(), name), content)
				got, err := s.Call(await.Context(t), "hash", tool, file)
				if err != nil || got != want {
					t.Errorf("%s: %s of %q: %q, %v", a.name, tool, name, got, err)
				}
			}
			_, err := s.Call(await.Context(t), "hash", tool, filepath.Join(a.home, "none"))
			wantStatus(t, err)
		}
		if tried == 0 {
			t.Errorf("%s: no tool that hashes", a.name)
		}
		if text, err := s.Call(await.Context(t), "hash", "md5sum", "/dev/null"); err == nil || text != "" {
			t.Errorf("%s: an unknown tool said %q, %v", a.name, text, err)
		}
	}
}

func TestKeepCopiesNoContents(t *testing.T) {
	t.Parallel()
	a := accounts(t)[0]
	if err := exec.Command("cp", "--attributes-only", "--help").Run(); err != nil {
		a = nil // a cp that cannot: the operation must say so
	}
	s, _ := accounts(t)[0].start(t)
	dir := t.TempDir()
	from, to := write(t, filepath.Join(dir, "$(touch pwned)"), "old"), write(t, filepath.Join(dir, "to"), "new")
	if err := os.Chmod(from, 0o751); err != nil {
		t.Fatal(err)
	}
	_, err := s.Call(await.Context(t), "keep", from, to)
	if (err == nil) != (a != nil) {
		t.Fatal(err)
	}
	wantFile(t, to, "new")
	if info, _ := os.Stat(to); a != nil && info.Mode().Perm() != 0o751 {
		t.Errorf("mode %v", info.Mode())
	}
	_, err = s.Call(await.Context(t), "keep", filepath.Join(dir, "none"), to)
	wantStatus(t, err)
}

func TestLongLines(t *testing.T) {
	t.Parallel()
	for _, a := range accounts(t) {
		s, _ := a.start(t)
		dir := t.TempDir()
		deep := dir + strings.Repeat("/.", 1900)
		source, part := write(t, filepath.Join(dir, "source"), "x"), write(t, filepath.Join(dir, "part"), "012")
		if _, err := s.Call(await.Context(t), "copy", copyParams(deep+"/source", deep+"/part", "1")...); err != nil {
			t.Fatalf("%s: %v", a.name, err)
		}
		wantFile(t, part, "0x2")
		// An answer longer than any is read as one, and the next is not confused by its end.
		if got := wantStatus(t, call(t, s, strings.Repeat("long ", 40_000))); got.Code != 127 {
			t.Errorf("%s: %v", a.name, got)
		}
		if err := call(t, s, "copy", copyParams(source, part, "2")...); err != nil {
			t.Errorf("%s: %v", a.name, err)
		}
		wantFile(t, part, "0xx")
	}
}

func call(t *testing.T, s *Shell, op string, params ...string) error {
	t.Helper()
	_, err := s.Call(await.Context(t), op, params...)
	return err
}

func TestShellKilledInMidCall(t *testing.T) {
	t.Parallel()
	for _, a := range accounts(t) {
		s, p := a.start(t)
		fifo, part := mkfifo(t), write(t, filepath.Join(t.TempDir(), "part"), "")
		result := make(chan error, 1)
		go func() { _, err := s.Call(await.Context(t), "copy", copyParams(fifo, part, "0")...); result <- err }()
		w := openWriter(t, fifo) // returns once cat has it open
		defer w.Close()
		p.kill(t)
		err := await.Receive(t, a.name+" to notice", result)
		var status *Status
		if !errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &status) {
			t.Errorf("%s: %v", a.name, err)
		}
		if err := call(t, s, "who"); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: called again: %v", a.name, err)
		}
		if err := s.Close(); err == nil {
			t.Errorf("%s: Close says that all has ended, cat has not", a.name)
		}
	}
}

// openWriter waits until something reads from the pipe.
func openWriter(t *testing.T, fifo string) *os.File {
	t.Helper()
	opened := make(chan *os.File, 1)
	go func() {
		f, err := os.OpenFile(fifo, os.O_WRONLY, 0)
		if err != nil {
			t.Error(err)
		}
		opened <- f
	}()
	return await.Receive(t, "somebody to read from the pipe", opened)
}

// An operation that nobody waits for any more goes on. What comes after it waits for its
// end, and does not take its answer for its own.
func TestCallGivenUp(t *testing.T) {
	t.Parallel()
	s, _ := accounts(t)[0].start(t)
	fifo, part := mkfifo(t), write(t, filepath.Join(t.TempDir(), "part"), "")
	ctx, cancel := context.WithCancel(context.Background())
	opened := make(chan *os.File, 1)
	go func() {
		defer cancel()
		opened <- openWriter(t, fifo)
	}()
	if _, err := s.Call(ctx, "copy", copyParams(fifo, part, "0")...); !errors.Is(err, context.Canceled) {
		t.Fatalf("%v", err)
	}
	w := await.Receive(t, "the copy to begin", opened)
	if _, err := s.Call(ctx, "who"); !errors.Is(err, context.Canceled) {
		t.Errorf("a call that is given up before its turn: %v", err)
	}
	soon, end := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer end()
	if err := s.Drain(soon); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("it has drained while it copies: %v", err)
	}
	who := make(chan error, 1)
	go func() { who <- call(t, s, "who") }()
	if _, err := w.WriteString("copied"); err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	if err := await.Receive(t, "the next call", who); err != nil {
		t.Errorf("the next call: %v", err)
	}
	if err := s.Drain(await.Context(t)); err != nil {
		t.Errorf("drain: %v", err)
	}
	wantFile(t, part, "copied")
	if err := s.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

// A shell that was ended on the host while nobody used it is known to be of no more use.
func TestShellKilledBetweenCalls(t *testing.T) {
	t.Parallel()
	s, p := accounts(t)[0].start(t)
	if err := errors.Join(call(t, s, "resume"), s.Drain(await.Context(t))); err != nil || s.Broken() {
		t.Fatalf("broken: %v, %v", s.Broken(), err)
	}
	p.kill(t)
	await.Until(t, "it to be broken", s.Broken)
	if err := s.Drain(await.Context(t)); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("drain: %v", err)
	}
}

// One that is not answered in time ends the shell: its answer would be read as another's.
func TestCallNotAnsweredInTime(t *testing.T) {
	t.Parallel()
	s, p := accounts(t)[0].start(t)
	fifo, part := mkfifo(t), write(t, filepath.Join(t.TempDir(), "part"), "")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := s.Call(ctx, "copy", copyParams(fifo, part, "0")...); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("%v", err)
	}
	if err := call(t, s, "who"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the next call could read the answer of the last: %v", err)
	}
	if err := s.Close(); err == nil {
		t.Error("Close says that all has ended")
	}
	if _, err := p.Write([]byte("x")); err == nil {
		t.Error("the channel is still open")
	}
}

// Many may use a shell at once: each has the answer to what it asked.
func TestShellSharedByMany(t *testing.T) {
	t.Parallel()
	s, _ := accounts(t)[0].start(t)
	dir := t.TempDir()
	var users sync.WaitGroup
	for i := range 20 {
		line := fmt.Sprintf("line %d", i)
		file := write(t, filepath.Join(dir, fmt.Sprint(i)), line)
		users.Go(func() {
			if text, err := s.Call(await.Context(t), "see", file); err != nil || text != line {
				t.Errorf("%s: %q, %v", line, text, err)
			}
		})
	}
	users.Wait()
}

func TestClose(t *testing.T) {
	t.Parallel()
	for _, a := range accounts(t) {
		s, p := a.start(t)
		if err := call(t, s, "nonsense"); wantStatus(t, err).Code != 127 {
			t.Errorf("%s: %v", a.name, err)
		}
		if err := s.Close(); err != nil {
			t.Errorf("%s: after an operation that failed: %v", a.name, err)
		}
		p.ends(t)
		if err := call(t, s, "who"); err == nil {
			t.Errorf("%s: a closed shell answers", a.name)
		}

		s, p = a.start(t)
		p.kill(t)
		if err := s.Close(); err == nil {
			t.Errorf("%s: a shell that was killed ended in good order", a.name)
		}
	}
}
