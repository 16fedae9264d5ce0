package await

import (
	"os/exec"
	"sync"
	"time"
)

// A process is started and ends within usual on a quiet machine; one that takes
// longer for it is slow, or busy, by so much.
const (
	usual  = 5 * time.Millisecond
	starts = 20
	least  = 3 // others may begin to work when it was measured
	most   = 16
)

// Scaled is d times a factor, which is the greater the slower or busier the machine
// is. It is for deadlines and leases that a test sets short because it wants to
// see them pass: whatever must be done within them has the same chance everywhere.
func Scaled(d time.Duration) time.Duration { return d * time.Duration(factor()) }

// factor is measured once, by the slowest of some starts of a process: what a
// deadline meets is the machine's worst moment and not its usual one.
var factor = sync.OnceValue(func() int {
	worst := time.Duration(0)
	for range starts {
		began := time.Now()
		if err := exec.Command("/bin/sh", "-c", ":").Run(); err != nil {
			return most
		}
		worst = max(worst, time.Since(began))
	}
	return min(most, max(least, int((worst+usual-1)/usual)))
})
