package shell

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"sftpgate/remote/remotetest/await"
)

// wantGone asks on another shell, as a gateway does that takes over.
func wantGone(t *testing.T, s *Shell, p Process, want bool) {
	t.Helper()
	gone, known, err := s.Gone(await.Context(t), p)
	if err != nil || !known || gone != want {
		t.Fatalf("gone %v, known %v, %v; want gone %v", gone, known, err, want)
	}
}

func TestWhoAndGone(t *testing.T) {
	t.Parallel()
	for _, a := range accounts(t) {
		t.Run(a.name, func(t *testing.T) {
			writer, p := a.start(t)
			who, err := writer.Who(await.Context(t))
			if err != nil {
				t.Fatal(err)
			}
			boot, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
			if who.PID != p.cmd.Process.Pid || who.Session != who.PID || who.Boot != strings.TrimSpace(string(boot)) || who.Start == "" {
				t.Fatalf("%+v, the process is %d", who, p.cmd.Process.Pid)
			}
			other, _ := a.start(t)
			wantGone(t, other, who, false)
			wantGone(t, writer, who, false) // by itself

			again, rebooted := who, who
			again.Start, rebooted.Boot = "1", "00000000-0000-0000-0000-000000000000"
			wantGone(t, other, again, true) // the number was given to another
			wantGone(t, other, rebooted, true)

			// A copy that is under way outlives its shell, and writes.
			fifo, part := mkfifo(t), write(t, filepath.Join(t.TempDir(), "part"), "")
			var copying sync.WaitGroup // a shell is not closed while it is called
			t.Cleanup(copying.Wait)
			ctx := await.Context(t)
			copying.Go(func() { _, _ = writer.Call(ctx, "copy", copyParams(fifo, part, "0")...) })
			w := openWriter(t, fifo)
			p.kill(t)
			await.Until(t, "the shell to be a zombie", func() bool { return state(who.PID) == "Z" })
			wantGone(t, other, who, false)
			_ = p.Wait() // nobody has the number now
			wantGone(t, other, who, false)
			if _, err := w.WriteString("late"); err != nil {
				t.Fatalf("the copy is gone: %v", err)
			}
			_ = w.Close()
			await.Until(t, "the session to be gone", func() bool {
				gone, known, err := other.Gone(await.Context(t), who)
				return err == nil && known && gone
			})
			wantFile(t, part, "late")
		})
	}
}

// state is the state of a process, "" when it is gone.
func state(pid int) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	return strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))[0]
}

// A process that stands still goes on some day.
func TestFrozenIsNotGone(t *testing.T) {
	t.Parallel()
	a := accounts(t)[0]
	frozen, p := a.start(t)
	who, err := frozen.Who(await.Context(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	await.Until(t, "the shell to stand still", func() bool { return state(who.PID) == "T" })
	other, _ := a.start(t)
	_ = p.Close()
	wantGone(t, other, who, false)
	if err := p.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	p.ends(t) // by the end of its input
	wantGone(t, other, who, true)
}

// The name of a process stands in the middle of its status, and may be anything.
func TestGoneIsNotFooledByNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"x) Z 1 (", ") X 1 1 1", "* * *", "a b c d", "$(true)"} {
		for _, a := range accounts(t) {
			evil := filepath.Join(t.TempDir(), name)
			program, err := exec.LookPath("cat")
			if err == nil {
				program, err = filepath.EvalSymlinks(program)
			}
			if err == nil {
				err = os.Symlink(program, evil)
			}
			if err != nil {
				t.Fatal(err)
			}
			fifo := mkfifo(t)
			leader := exec.Command("sh", "-c", `"$0" "$1"; :`, evil, fifo)
			leader.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
			if err := leader.Start(); err != nil {
				t.Fatal(err)
			}
			w := openWriter(t, fifo)
			line, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", leader.Process.Pid))
			if err != nil {
				t.Fatal(err)
			}
			who, err := ParseStat(strings.TrimSpace(string(line)))
			if err != nil || who.PID != leader.Process.Pid || who.Session != who.PID {
				t.Fatalf("%+v, %v", who, err)
			}
			boot, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
			who.Boot = strings.TrimSpace(string(boot))
			other, _ := a.start(t)
			if err := leader.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = leader.Wait()
			wantGone(t, other, who, false)
			_ = w.Close() // ends the child
			await.Until(t, "the session to be gone", func() bool {
				gone, _, _ := other.Gone(await.Context(t), who)
				return gone
			})
			_ = other.Close()
		}
	}
}

func TestParseStat(t *testing.T) {
	rest := " S 10 20 30 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 987654 1 2 3"
	for _, name := range []string{"sh", "a b", "x) Z 1 2 3 (", ")", ""} {
		p, err := ParseStat("123 (" + name + ")" + rest)
		if want := (Process{PID: 123, Session: 30, Start: "987654"}); err != nil || p != want {
			t.Errorf("%q: %+v, %v", name, p, err)
		}
	}
	for _, line := range []string{"", "x", "123", "123 (sh", "123 (sh)", "123 (sh) S 1 2", "x (sh)" + rest, "123 (sh) S 1 2 x" + rest[10:]} {
		if p, err := ParseStat(line); err == nil {
			t.Errorf("%q was read as %+v", line, p)
		}
	}
}

// A zombie writes no more, also where its parent never asks for it.
func TestZombieIsGone(t *testing.T) {
	t.Parallel()
	for _, a := range accounts(t) {
		s, p := a.start(t)
		who, err := s.Who(await.Context(t))
		if err != nil {
			t.Fatal(err)
		}
		p.kill(t)
		await.Until(t, "the shell to be a zombie", func() bool { return state(who.PID) == "Z" })
		other, _ := a.start(t)
		wantGone(t, other, who, true)
	}
}
