package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// hostside is what a turn took of the host, which is this machine's sshd and what
// that has started. All but the processor time are counts that no noise moves.
type hostside struct {
	CPU         float64 `json:"cpu_seconds"`
	Connections int     `json:"connections"` // opened in the turn
	Sessions    int     `json:"sessions"`    // SFTP channels and commands; each starts a login shell
	Written     int64   `json:"bytes_written,omitempty"`
	Room        int64   `json:"peak_room_bytes"`
}

// hostLook is a look at the host while a turn is going on.
type hostLook struct {
	site   *site
	dir    string
	before hostside
	free   int64 // before, in bytes

	ended   chan struct{}
	sampler sync.WaitGroup
	least   int64 // that was free; of the sampler until it has ended
}

// roomEvery is how often the free room is looked at.
const roomEvery = 20 * time.Millisecond

// lookAtHost begins to look; dir is where the turn sends to.
func (s *site) lookAtHost(dir string) *hostLook {
	l := &hostLook{site: s, dir: dir, before: s.hostside(dir), free: freeIn(dir), ended: make(chan struct{})}
	l.least = l.free
	l.sampler.Go(func() {
		for tick := time.NewTicker(roomEvery); ; {
			select {
			case <-tick.C:
				l.least = min(l.least, freeIn(dir))
			case <-l.ended:
				tick.Stop()
				return
			}
		}
	})
	return l
}

// end returns what the turn took. What it has written is first brought to the disk.
func (l *hostLook) end() hostside {
	close(l.ended)
	l.sampler.Wait()
	now := l.site.hostside(l.dir)
	syscall.Sync()
	now.Written = writtenTo(l.dir) - l.before.Written
	now.CPU -= l.before.CPU
	now.Connections -= l.before.Connections
	now.Sessions -= l.before.Sessions
	now.Room = l.free - l.least
	return now
}

// hostside is what sshd has taken since it was started.
func (s *site) hostside(dir string) hostside {
	h := hostside{CPU: treeCPU(s.sshd.cmd.Process.Pid), Written: writtenTo(dir)}
	text, _ := os.ReadFile(s.sshd.log)
	for line := range strings.Lines(string(text)) {
		switch { // sshd(8), LogLevel VERBOSE
		case strings.HasPrefix(line, "Accepted publickey for "):
			h.Connections++
		case strings.HasPrefix(line, "Starting session: "):
			h.Sessions++
		}
	}
	return h
}

// treeCPU is the processor time in seconds of a process, of all that it has started
// and that still runs, and of what these have waited for.
func treeCPU(pid int) float64 {
	total := int64(0)
	for _, p := range append(descendants(pid), process{pid: pid}) {
		fields, err := statOf(p.pid)
		if err != nil {
			continue
		}
		for _, field := range fields[11:15] { // utime, stime, cutime, cstime
			n, _ := strconv.ParseInt(field, 10, 64)
			total += n
		}
	}
	return float64(total) / ticks
}

// freeIn is how many bytes are free on the filesystem of dir.
func freeIn(dir string) int64 {
	var s syscall.Statfs_t
	if syscall.Statfs(dir, &s) != nil {
		return 0
	}
	return int64(s.Bavail) * int64(s.Bsize)
}

// sector is the unit of /sys/dev/block/*/stat, in bytes, whatever the disk's own is
// (Documentation/block/stat.rst).
const sector = 512

// writtenTo is how many bytes have been written to the disk that dir is on since the
// machine was started; 0 where it is on none. It counts what others write too.
func writtenTo(dir string) int64 {
	info, err := os.Stat(dir)
	if err != nil {
		return 0
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0
	}
	text, err := os.ReadFile(filepath.Join("/sys/dev/block", deviceText(uint64(stat.Dev)), "stat"))
	fields := strings.Fields(string(text))
	if err != nil || len(fields) < 7 {
		return 0
	}
	n, _ := strconv.ParseInt(fields[6], 10, 64)
	return n * sector
}

// deviceText is a device's number as /sys has it (makedev(3) of Linux).
func deviceText(dev uint64) string {
	major := dev>>8&0xfff | dev>>32&^0xfff
	minor := dev&0xff | dev>>12&^0xff
	return strconv.FormatUint(major, 10) + ":" + strconv.FormatUint(minor, 10)
}
