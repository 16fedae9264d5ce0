package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// machine is the class of machine that was measured on. It names no machine.
type machine struct {
	Cores      int    `json:"cores"`
	CPU        string `json:"cpu"`
	MemoryMiB  int64  `json:"memory_mib"`
	Kernel     string `json:"kernel"`
	Filesystem string `json:"filesystem"`
	OpenSSH    string `json:"openssh"`
	Rclone     string `json:"rclone,omitempty"`
	Go         string `json:"go"`
	// ProxyMiBs is what the delay proxy lets through between two programs that do
	// nothing else, in MiB a second.
	ProxyMiBs float64 `json:"delay_proxy_mib_per_second"`
}

// describe looks at the machine, and at the filesystem of dir.
func describe(ctx context.Context, dir string, z sizes) machine {
	m := machine{Cores: runtime.NumCPU(), CPU: fieldOf("/proc/cpuinfo", "model name"), Kernel: "unknown",
		Filesystem: filesystemOf(dir), OpenSSH: versionOf(ctx, "ssh", "-V"), Go: runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH}
	if hasRclone() {
		m.Rclone = versionOf(ctx, "rclone", "--config", os.DevNull, "version")
	}
	if text, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.Kernel = strings.TrimSpace(string(text))
	}
	if kib, err := strconv.ParseInt(strings.TrimSuffix(fieldOf("/proc/meminfo", "MemTotal"), " kB"), 10, 64); err == nil {
		m.MemoryMiB = kib >> 10
	}
	if rate, err := throughput(z.oneWay, z.far); err == nil {
		m.ProxyMiBs = rate / mib
	}
	return m
}

// fieldOf is the value of the first line "name : value" of a file.
func fieldOf(path, name string) string {
	text, _ := os.ReadFile(path)
	for line := range strings.Lines(string(text)) {
		key, value, ok := strings.Cut(line, ":")
		if ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

// filesystemOf is the type of the filesystem that dir is on, by the mount with
// the longest path above it.
func filesystemOf(dir string) string {
	text, _ := os.ReadFile("/proc/self/mounts")
	kind, longest := "unknown", -1
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) < 3 || len(fields[1]) < longest {
			continue
		}
		if rel, err := filepath.Rel(fields[1], dir); err == nil && rel != ".." && !strings.HasPrefix(rel, "../") {
			kind, longest = fields[2], len(fields[1])
		}
	}
	return kind
}

// versionOf is the first line that a program says about itself.
func versionOf(ctx context.Context, name string, args ...string) string {
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if err != nil {
		return "unknown"
	}
	line, _, _ := strings.Cut(string(out), "\n")
	return strings.TrimSpace(line)
}

func (m machine) print(w io.Writer) {
	fmt.Fprintf(w, "%d cores of %s, %d MiB, Linux %s, %s, %s\n", m.Cores, m.CPU, m.MemoryMiB, m.Kernel, m.Filesystem, m.OpenSSH)
	fmt.Fprintf(w, "the client of the gateway is Go's net/http (%s); the delay proxy alone lets %.0f MiB/s through\n\n", m.Go, m.ProxyMiBs)
}
