package main

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"sftpgate/gateway/registry/registrytest"
	"sftpgate/remote/remotetest"
)

// The main job on real input, as a person would run it: the binary, OpenSSH
// and Redis, files of gigabytes, and kill -9.

const (
	mib       = 1 << 20
	chunkSize = 8 * mib
	inFlight  = 4
)

// accounts force an engine each.
var accounts = map[string]remotetest.SSHDOptions{
	"shell":     {},
	"copy-data": {ForceCommand: "internal-sftp"},
	"stream":    {ForceCommand: "internal-sftp -P copy-data"},
}

// chunkOf makes the bytes of a chunk anew each time, so that no source file is needed.
func chunkOf(i int) []byte { return pieceOf(i, chunkSize) }

func pieceOf(i, size int) []byte {
	var seed [32]byte
	binary.LittleEndian.PutUint64(seed[:], uint64(i))
	b := make([]byte, size)
	_, _ = rand.NewChaCha8(seed).Read(b)
	return b
}

func digestOfChunks(n int) []byte { return digestOfPieces(n, chunkSize) }

func digestOfPieces(n, size int) []byte {
	h := sha256.New()
	for i := range n {
		h.Write(pieceOf(i, size))
	}
	return h.Sum(nil)
}

func digestOfFile(t *testing.T, name string) []byte {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		t.Fatal(err)
	}
	return h.Sum(nil)
}

// uploader is a client that remembers what was acknowledged.
type uploader struct {
	t      *testing.T
	base   string
	target string
	chunks int
	piece  int // bytes of a chunk; 0 is chunkSize
	lanes  int // requests at once; 0 is inFlight
	id     string

	mu    sync.Mutex
	acked map[int]bool
}

func (u *uploader) open() map[string]any {
	u.t.Helper()
	status, answer := u.tryOpen()
	if status != 200 && status != 201 {
		u.t.Fatalf("open: %d %v", status, answer)
	}
	return answer
}

func (u *uploader) tryOpen() (int, map[string]any) {
	body := fmt.Sprintf(`{"host":"web-1","path":%q,"size":%d,"chunk_size":%d}`, u.target, u.chunks*u.size(), u.size())
	status, answer := request("POST", u.base+"/v1/uploads", strings.NewReader(body))
	if id, ok := answer["id"].(string); ok {
		u.id = id
	}
	return status, answer
}

func (u *uploader) size() int { return cmp.Or(u.piece, chunkSize) }

// missing is what the gateway has not received, by its own word.
func (u *uploader) missing(answer map[string]any) []int {
	have := map[int]bool{}
	for _, r := range answer["received"].([]any) {
		span := r.([]any)
		from, to := int(span[0].(float64)), int(span[1].(float64))
		for i := (from + u.size() - 1) / u.size(); (i+1)*u.size() <= to; i++ {
			have[i] = true
		}
	}
	var missing []int
	for i := range u.chunks {
		switch {
		case !have[i] && u.acked[i]:
			u.t.Errorf("chunk %d was acknowledged and is not there any more", i)
		case !have[i]:
			missing = append(missing, i)
		}
	}
	return missing
}

// send puts chunks, a few at a time, in random order, until one fails.
func (u *uploader) send(chunks []int) error {
	chunks = slices.Clone(chunks)
	rand.Shuffle(len(chunks), func(i, j int) { chunks[i], chunks[j] = chunks[j], chunks[i] })
	work := make(chan int)
	lanes := cmp.Or(u.lanes, inFlight)
	errs := make(chan error, lanes)
	var wg sync.WaitGroup
	for range lanes {
		wg.Go(func() {
			for i := range work {
				status, answer := request("PUT", fmt.Sprintf("%s/v1/uploads/%s/chunks/%d", u.base, u.id, i), bytes.NewReader(pieceOf(i, u.size())))
				if status != 200 {
					errs <- fmt.Errorf("chunk %d: %d %v", i, status, answer)
					return
				}
				u.mu.Lock()
				u.acked[i] = true
				u.mu.Unlock()
			}
		})
	}
	var err error
	for _, i := range chunks {
		select {
		case work <- i:
			continue
		case err = <-errs:
		}
		break
	}
	close(work)
	wg.Wait()
	select {
	case e := <-errs:
		err = errors.Join(err, e)
	default:
	}
	return err
}

func (u *uploader) merge() (int, map[string]any) {
	return request("POST", u.base+"/v1/uploads/"+u.id+"/merge", http.NoBody)
}

// done waits for the end of the merge.
func (u *uploader) done() map[string]any {
	u.t.Helper()
	for end := time.Now().Add(3 * time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		status, answer := request("GET", u.base+"/v1/uploads/"+u.id, nil)
		if status != 200 || answer["state"] == "failed" {
			u.t.Fatalf("%d %v", status, answer)
		}
		if answer["state"] == "done" {
			return answer
		}
	}
	u.t.Fatal("the merge does not end")
	return nil
}

// diskUse is what the files below dir take on the disk, holes left out and a
// file with two names counted once.
func diskUse(dir string) int64 {
	var n int64
	seen := map[uint64]bool{}
	_ = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil {
			return nil
		}
		if info, err := e.Info(); err == nil {
			if st := info.Sys().(*syscall.Stat_t); !seen[st.Ino] {
				seen[st.Ino] = true
				n += st.Blocks * 512
			}
		}
		return nil
	})
	return n
}

// peak watches the disk until stop is called, which returns the most there was.
func peak(dir string) (stop func() int64) {
	quit, result := make(chan struct{}), make(chan int64)
	go func() {
		var most int64
		for {
			most = max(most, diskUse(dir))
			select {
			case <-quit:
				result <- most
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	return func() int64 { close(quit); return <-result }
}

func TestTwoGigabytes(t *testing.T) {
	const chunks = 256
	want := digestOfChunks(chunks)
	for _, engine := range []string{"shell", "stream"} {
		t.Run(engine, func(t *testing.T) {
			sshd := remotetest.StartSSHD(t, accounts[engine])
			redis := registrytest.StartRedis(t)
			p := startBinary(t, plain, nil, "serve", "--listen", "127.0.0.1:0", "--hosts", yamlOf(t, sshd.Host("web-1")), "--redis", redis.URL())
			base := "http://" + p.logged("listening")["address"].(string)
			u := &uploader{t: t, base: base, target: filepath.Join(sshd.Root, "disk.img"), chunks: chunks, acked: map[int]bool{}}
			watch := peak(sshd.Root)
			began := time.Now()
			if err := u.send(u.missing(u.open())); err != nil {
				t.Fatal(err)
			}
			last := time.Now()
			if _, err := os.Lstat(u.target); !os.IsNotExist(err) {
				t.Fatalf("the target is visible before the merge: %v", err)
			}
			if status, answer := u.merge(); status != 202 && status != 200 {
				t.Fatalf("merge: %d %v", status, answer)
			}
			answer := u.done()
			took, tail, most := time.Since(began), time.Since(last), watch()
			t.Logf("%s: 2 GiB in %.1f s, the last %.2f s of it after the last chunk; peak disk %.3f of the size",
				engine, took.Seconds(), tail.Seconds(), float64(most)/(chunks*chunkSize))
			if answer["engine"] != engine || answer["verified"] != "spans" {
				t.Errorf("done as %v", answer)
			}
			if limit := int64(chunks*chunkSize*115/100 + 64*mib); most > limit {
				t.Errorf("the host held %d bytes at its peak, more than %d", most, limit)
			}
			if got := digestOfFile(t, u.target); !bytes.Equal(got, want) {
				t.Errorf("digest %x, want %x", got, want)
			}
			if left, _ := os.ReadDir(sshd.Root); len(left) != 1 {
				t.Errorf("staging is left: %v", left)
			}
			if keys := redis.Do("KEYS sftpgate:*:claim"); keys != "*0" {
				t.Errorf("the claim is left: %s", keys)
			}
		})
	}
}

func TestKillNine(t *testing.T) {
	const chunks = 40
	want := digestOfChunks(chunks)
	for name, run := range map[string]struct{ engine, store string }{
		"shell and Redis":     {"shell", "redis"},
		"stream and embedded": {"stream", "embedded"},
	} {
		t.Run(name, func(t *testing.T) {
			sshd := remotetest.StartSSHD(t, accounts[run.engine])
			args := []string{"--hosts", yamlOf(t, sshd.Host("web-1"))}
			if run.store == "redis" {
				args = append(args, "--redis", registrytest.StartRedis(t).URL())
			} else {
				args = append(args, "--state", t.TempDir())
			}
			u := &uploader{t: t, target: filepath.Join(sshd.Root, "disk.img"), chunks: chunks, acked: map[int]bool{}}
			absent := func() {
				t.Helper()
				if _, err := os.Lstat(u.target); !os.IsNotExist(err) {
					t.Fatalf("the target is visible before its publication: %v", err)
				}
			}
			// While chunks are in flight, and the merge runs behind them.
			for round := 0; ; round++ {
				p, base := serving(t, args...)
				u.base = base
				before := u.id
				missing := u.missing(u.open())
				if before != "" && u.id != before {
					t.Fatalf("the upload is another one after the restart: %s, then %s", before, u.id)
				}
				for _, i := range missing {
					if u.acked[i] {
						t.Errorf("chunk %d was acknowledged and would be sent again", i)
					}
				}
				if round == 3 {
					if err := u.send(missing); err != nil {
						t.Fatal(err)
					}
					absent()
					// While the merge is being finished.
					u.merge()
					_ = p.cmd.Process.Kill()
					<-p.ended
					break
				}
				at := u.ackedCount() + chunks/5
				failed := make(chan error, 1)
				go func() { failed <- u.send(missing) }()
				for u.ackedCount() < at {
					time.Sleep(2 * time.Millisecond)
				}
				_ = p.cmd.Process.Kill()
				<-p.ended
				if err := <-failed; err == nil {
					t.Fatal("nothing was in flight when the gateway was killed")
				}
				absent()
			}
			_, u.base = serving(t, args...)
			status, answer := u.merge()
			if status == 404 { // a registry that the kill took unsaved work from
				if missing := u.missing(u.open()); len(missing) > 0 {
					t.Errorf("missing after the merge was begun: %v", missing)
				}
				status, answer = u.merge()
			}
			if status != 202 && status != 200 {
				t.Fatalf("merge after the kill: %d %v", status, answer)
			}
			u.done()
			if got := digestOfFile(t, u.target); !bytes.Equal(got, want) {
				t.Errorf("digest %x, want %x", got, want)
			}
			if left, _ := os.ReadDir(sshd.Root); len(left) != 1 {
				t.Errorf("staging is left: %v", left)
			}
		})
	}
}

func (u *uploader) ackedCount() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return len(u.acked)
}
