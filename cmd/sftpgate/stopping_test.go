package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"sftpgate/gateway"
	"sftpgate/gateway/registry"
	"sftpgate/gateway/registry/registrytest"
	"sftpgate/remote/remotetest"
	wait "sftpgate/remote/remotetest/await"
)

// stopping is a gateway that is told to stop while a merge runs, on a host that
// takes its time, and chunks are on their way to another host.
type stopping struct {
	t       *testing.T
	sshd    *remotetest.SSHD
	proxy   *remotetest.Proxy // before the host of the merge
	serve   []string
	p       *process
	base    string
	merging *uploader
	running string // the path of the other upload in the API
	target  string // of the other
}

const (
	stoppingChunks = 80
	stoppingPiece  = 32 << 10
	runningChunks  = 4 // of which as many again are sent to the next gateway
)

// Told to stop under load: nothing new is taken on whatever connection, running
// chunks end with their 200, the exit status is 0, and the merge that was cut off
// is brought to its end by the next gateway without anybody asking.
func TestStopWhileMerging(t *testing.T) {
	for name, hold := range map[string]func(*remotetest.Proxy){
		"the host is slow":         func(*remotetest.Proxy) {},
		"the host answers no more": func(p *remotetest.Proxy) { p.Stall(remotetest.FromHost, true) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startStopping(t)
			s.beginMerge()
			hold(s.proxy)
			s.stopsInOrder(s.beginChunks())
			if exists(s.merging.target) {
				t.Fatal("the merge was over before the gateway ended, so that nothing is shown")
			}
			s.proxy.Stall(remotetest.FromHost, false)
			s.proxy.Delay(0)
			s.goesOn()
		})
	}
}

func startStopping(t *testing.T) *stopping {
	t.Helper()
	sshd, redis := remotetest.StartSSHD(t, remotetest.SSHDOptions{}), registrytest.StartRedis(t)
	s := &stopping{t: t, sshd: sshd, proxy: remotetest.StartProxy(t, sshd.Addr), target: filepath.Join(sshd.Root, "running")}
	far := s.proxy.Host(sshd.Host("web-1"))
	far.Engine = "stream"
	s.serve = []string{"--hosts", yamlOf(t, far, sshd.Host("web-2")), "--redis", redis.URL(), "--drain", "1h"}
	s.p, s.base = serving(t, s.serve...)
	s.merging = &uploader{t: t, base: s.base, target: filepath.Join(sshd.Root, "merging"), chunks: stoppingChunks, piece: stoppingPiece, acked: map[int]bool{}}

	// Nothing is merged while chunks arrive, as if another gateway were at it.
	store, err := registry.OpenRedis(t.Context(), redis.URL(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	sum := sha256.Sum256([]byte("web-1\x00" + sshd.Root + "\x00merging"))
	key := gateway.Key(hex.EncodeToString(sum[:]))
	if ok, err := store.Lease(t.Context(), key, "another gateway", time.Hour); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if err := s.merging.send(s.merging.missing(s.merging.open())); err != nil {
		t.Fatal(err)
	}
	s.proxy.Delay(wait.Scaled(15 * time.Millisecond)) // every chunk that is merged now takes many of these
	if status, answer := s.merging.merge(); status != 202 {
		t.Fatalf("merge: %d %v", status, answer)
	}
	if err := store.Unlease(t.Context(), key, "another gateway"); err != nil {
		t.Fatal(err)
	}
	return s
}

// beginMerge waits until a part of the file is there.
func (s *stopping) beginMerge() {
	s.t.Helper()
	s.p.poll("some of the part", func() bool {
		parts, _ := filepath.Glob(filepath.Join(s.sshd.Root, ".merging.sftpgate/*/gen-*/part.*"))
		for _, name := range parts {
			if info, err := os.Stat(name); err == nil && info.Size() >= stoppingPiece {
				return true
			}
		}
		return false
	})
}

// beginChunks sends half of each of some chunks.
func (s *stopping) beginChunks() (all []*wire) {
	s.t.Helper()
	open := fmt.Sprintf(`{"host":"web-2","path":%q,"size":%d,"chunk_size":%d}`, s.target, 2*runningChunks*stoppingPiece, stoppingPiece)
	status, answer := request("POST", s.base+"/v1/uploads", strings.NewReader(open))
	if status != 201 {
		s.t.Fatalf("%d %v", status, answer)
	}
	s.running = "/v1/uploads/" + answer["id"].(string)
	for i := range runningChunks {
		w := dialWire(s.t, s.base)
		w.begins("PUT", fmt.Sprintf("%s/chunks/%d", s.running, i), string(pieceOf(i, stoppingPiece)))
		all = append(all, w)
	}
	return all
}

// begins sends a request and half of its body, when the gateway asks for that.
func (w *wire) begins(method, path, body string) {
	w.t.Helper()
	w.says(method, path, fmt.Sprintf("Content-Length: %d\r\nExpect: 100-continue\r\n", len(body)), "")
	if line, err := w.in.ReadString('\n'); err != nil || !strings.Contains(line, " 100 ") {
		w.t.Fatalf("%q %v", line, err)
	}
	_, _ = w.in.ReadString('\n')
	_, _ = w.Write([]byte(body[:len(body)/2]))
}

// stopsInOrder tells the gateway to stop, and asks it for more while it does.
func (s *stopping) stopsInOrder(running []*wire) {
	s.t.Helper()
	what := fmt.Sprintf(`{"host":"web-2","path":%q,"size":1}`, filepath.Join(s.sshd.Root, "never"))
	kept, half, silent, other := dialWire(s.t, s.base), dialWire(s.t, s.base), dialWire(s.t, s.base), dialWire(s.t, s.base)
	if res, answer := kept.asks("GET", s.running, "", ""); res.StatusCode != 200 {
		s.t.Fatalf("%d %v", res.StatusCode, answer)
	}
	half.begins("POST", "/v1/uploads", what)
	_ = s.p.cmd.Process.Signal(syscall.SIGTERM)
	s.p.poll("new connections to be refused", func() bool {
		c, err := net.Dial("tcp", strings.TrimPrefix(s.base, "http://"))
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	})
	_, _ = half.Write([]byte(what[len(what)/2:]))
	if res, answer := half.hears(); res.StatusCode != 503 || answer["code"] != "shutting-down" || answer["retryable"] != true || res.Header.Get("Retry-After") == "" {
		s.t.Errorf("an upload that was half asked for: %d %v, Retry-After %q", res.StatusCode, answer, res.Header.Get("Retry-After"))
	}
	for w, request := range map[*wire]string{kept: "", silent: "POST /v1/uploads", other: fmt.Sprintf("PUT %s/chunks/%d", s.running, runningChunks)} {
		if request != "" {
			_, _ = fmt.Fprintf(w, "%s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n%s", request, len(what), what)
		}
		if line, err := w.in.ReadString('\n'); err == nil {
			s.t.Errorf("%q on a connection where nothing was under way is answered with %s", request, line)
		}
	}
	for i, w := range running {
		_, _ = w.Write(pieceOf(i, stoppingPiece)[stoppingPiece/2:])
		if res, answer := w.hears(); res.StatusCode != 200 {
			s.t.Errorf("chunk %d, which was under way: %d %v", i, res.StatusCode, answer)
		}
	}
	if status := s.p.exits(); status != 0 {
		s.t.Errorf("exit status %d", status)
	}
	if strings.Contains(s.p.log(), "requests did not finish in time") || !strings.Contains(s.p.log(), `"msg":"stopped"`) {
		s.t.Error("it did not end in good order")
	}
	if left, _ := filepath.Glob(filepath.Join(s.sshd.Root, "*never*")); len(left) > 0 {
		s.t.Errorf("it took %v", left)
	}
}

// goesOn starts the next gateway.
func (s *stopping) goesOn() {
	s.t.Helper()
	s.p, s.base = serving(s.t, s.serve...)
	s.p.poll("file where a merge was cut off", func() bool { return exists(s.merging.target) })
	if got, want := digestOfFile(s.t, s.merging.target), digestOfPieces(stoppingChunks, stoppingPiece); !bytes.Equal(got, want) {
		s.t.Error("the file that was being merged is not exact")
	}
	_, answer := request("GET", s.base+s.running, nil)
	if answer["received_bytes"] != float64(runningChunks*stoppingPiece) {
		s.t.Errorf("not what was acknowledged: %v", answer)
	}
	for i := runningChunks; i < 2*runningChunks; i++ {
		if status, answer := request("PUT", fmt.Sprintf("%s%s/chunks/%d", s.base, s.running, i), bytes.NewReader(pieceOf(i, stoppingPiece))); status != 200 {
			s.t.Errorf("chunk %d: %d %v", i, status, answer)
		}
	}
	request("POST", s.base+s.running+"/merge", nil)
	var left []os.DirEntry
	defer func() {
		if len(left) != 2 {
			s.t.Errorf("in the directory there is %v", left)
		}
	}()
	s.p.poll("end with both files and nothing else", func() bool {
		left, _ = os.ReadDir(s.sshd.Root)
		return len(left) == 2 && exists(s.target)
	})
	if got, want := digestOfFile(s.t, s.target), digestOfPieces(2*runningChunks, stoppingPiece); !bytes.Equal(got, want) {
		s.t.Error("the other file is not exact")
	}
}
