package main

import (
	"bufio"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"sftpgate/remote/remotetest"
	wait "sftpgate/remote/remotetest/await"
)

// Those who follow an upload cost a gateway a socket and a few KiB each: a panel that
// shows a file's progress to everybody must not need memory for it as a file does.
func TestManyListeners(t *testing.T) {
	t.Parallel()
	const many, most = 2000, 20 * mib
	sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	p, base := servingBy(t, plain, nil, "--hosts", yamlOf(t, sshd.Host("web-1")), "--state", t.TempDir(),
		"--metrics-listen", "127.0.0.1:0", "--pprof", "127.0.0.1:0")
	up := &uploader{t: t, base: base, target: filepath.Join(sshd.Root, "f"), chunks: 8, piece: 64 << 10, acked: map[int]bool{}}
	chunks := up.missing(up.open())
	if err := up.send(chunks[:2]); err != nil {
		t.Fatal(err)
	}
	heap, stacks := heapOf(t, p), stacksOf(t, p)
	before := usageOf(t, p)

	crowd := make([]*bufio.Reader, many)
	for i := range crowd {
		crowd[i] = listener(t, base, up.id)
	}
	// All of them are told something, too: what that takes counts.
	if err := up.send(chunks[2:]); err != nil {
		t.Fatal(err)
	}
	for i, from := range crowd {
		if _, err := nextEvent(from); err != nil {
			t.Fatalf("listener %d: %v", i, err)
		}
	}
	peak := usageOf(t, p)
	heap, stacks = heapOf(t, p)-heap, stacksOf(t, p)-stacks
	after := usageOf(t, p)
	t.Logf("%d listeners: %d bytes of heap and %d of stacks for each; %d MiB of memory more, %d at the peak, %d before them", many,
		heap/many, stacks/many, (after.resident-before.resident)>>20, (peak.peak-before.resident)>>20, before.resident>>20)
	if heap+stacks > most || after.resident-before.resident > most {
		t.Errorf("that is more than %d MiB", most>>20)
	}
	if status, answer := up.merge(); status != 202 && status != 200 {
		t.Fatalf("merge: %d %v", status, answer)
	}
	for i, from := range crowd {
		last := ""
		for e, err := nextEvent(from); err == nil; e, err = nextEvent(from) {
			last = e
		}
		if last != "done" {
			t.Fatalf("listener %d was told %q at last", i, last)
		}
	}
	wait.Until(t, "their descriptors to be closed", func() bool { return usageOf(t, p).descriptors < before.descriptors+many/10 })
}

// stacksOf is what a gateway's goroutines stand on, in bytes.
func stacksOf(t *testing.T, p *process) int64 {
	t.Helper()
	figures := scrape(t, "http://"+p.logged("serving metrics")["address"].(string), nil)
	return int64(figures["go_memstats_stack_inuse_bytes"].GetMetric()[0].GetGauge().GetValue())
}

// listener follows an upload on a connection of its own, and has been told how it stands.
func listener(t *testing.T, base, id string) *bufio.Reader {
	t.Helper()
	address := strings.TrimPrefix(base, "http://")
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	fmt.Fprintf(c, "GET /v1/uploads/%s/events HTTP/1.1\r\nHost: %s\r\n\r\n", id, address)
	from := bufio.NewReaderSize(c, 512)
	if _, err := nextEvent(from); err != nil {
		t.Fatal(err)
	}
	return from
}

// nextEvent reads a stream up to the data of an event and gives its name.
func nextEvent(from *bufio.Reader) (name string, err error) {
	for {
		line, err := from.ReadString('\n')
		if err != nil {
			return "", err
		}
		if e, ok := strings.CutPrefix(line, "event: "); ok {
			name = strings.TrimSpace(e)
		}
		if strings.HasPrefix(line, "data: ") {
			return name, nil
		}
	}
}
