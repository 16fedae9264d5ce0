//go:build failpoints

package failpoint

import (
	"fmt"
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
)

// Env names the environment variable that says where the process ends.
const Env = "SFTPGATE_FAILPOINT"

var (
	here  plan
	times atomic.Int64 // that it was reached
)

func init() {
	text := os.Getenv(Env)
	if text == "" {
		return
	}
	var err error
	if here, err = parse(text); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", Env, err)
		os.Exit(2)
	}
}

// Reach ends or stops the process if this is the time and the point for it.
func Reach(p Point) {
	if p != here.point || times.Add(1) != here.nth {
		return
	}
	if here.stop {
		// To this thread, which then takes not one more step before it is stopped: what
		// is sent to the process another thread may take, a little later.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		_ = syscall.Tgkill(syscall.Getpid(), syscall.Gettid(), syscall.SIGSTOP)
		return
	}
	_ = syscall.Kill(syscall.Getpid(), syscall.SIGKILL)
	select {} // not one more step while the signal is on its way
}
