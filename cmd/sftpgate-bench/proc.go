package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// What Linux tells about processes, proc(5).

// ticks is USER_HZ, the unit of times in /proc: 100 a second on every machine
// that Go runs on.
const ticks = 100

// cpuOf is the processor time in seconds that a process has used, all threads,
// user and system.
func cpuOf(pid int) (float64, error) {
	fields, err := statOf(pid)
	if err != nil {
		return 0, err
	}
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	return float64(user+system) / ticks, nil
}

// statOf are the fields of /proc/PID/stat from the third (state) on: before it
// stands the name, which may hold anything.
func statOf(pid int) ([]string, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil, err
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(fields) < 20 {
		return nil, fmt.Errorf("/proc/%d/stat is too short", pid)
	}
	return fields, nil
}

// startOf is when a process began, in ticks since the machine did; "" for none.
func startOf(pid int) string {
	fields, err := statOf(pid)
	if err != nil {
		return ""
	}
	return fields[19]
}

// peakOf is the most memory that a process has had resident, in bytes (VmHWM).
func peakOf(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			return kib << 10, err
		}
	}
	return 0, fmt.Errorf("/proc/%d/status has no VmHWM", pid)
}

// forgetPeak sets the peak of a process to what it has now. Where the kernel
// does not let us, the peak is that of the process's life.
func forgetPeak(pid int) { _ = os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0) }

// process is one at one time: numbers are used again.
type process struct {
	pid     int
	started string
}

// descendants are the children of pid, and theirs.
func descendants(pid int) []process {
	children := map[int][]int{}
	all, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range all {
		child, _ := strconv.Atoi(filepath.Base(dir))
		if fields, err := statOf(child); err == nil {
			parent, _ := strconv.Atoi(fields[1])
			children[parent] = append(children[parent], child)
		}
	}
	var found []process
	for next := children[pid]; len(next) > 0; next = next[1:] {
		found = append(found, process{next[0], startOf(next[0])})
		next = append(next, children[next[0]]...)
	}
	return found
}
