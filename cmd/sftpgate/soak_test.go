//go:build soak

package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sftpgate/gateway/registry/registrytest"
	"sftpgate/remote/remotetest"
	wait "sftpgate/remote/remotetest/await"
)

// Hours in minutes: many users, files of all sizes, and somebody who kills
// whatever runs. "make soak" runs it; it ends after -soak.for and what is needed
// to bring everything to its end. One gateway is killed again and again, the
// other one lives through all of it and must not grow. That one is far from the
// host, so that its bodies go over several connections and its copies are asked
// for many at once.

var soakFor = flag.Duration("soak.for", 10*time.Minute, "how long faults are injected")

const (
	soakUsers  = 12
	soakDoomed = 0                     // the gateway that is killed
	soakOld    = 1                     // the one that is not
	soakAway   = 10 * time.Millisecond // from the host, one way
)

// soak is one run.
type soak struct {
	t     *testing.T
	sshd  *remotetest.SSHD
	redis *registrytest.RedisServer
	args  []string  // of every gateway
	hosts [2]string // hosts.yaml of each

	mu    sync.Mutex
	gates [2]*process
	bases [2]string
	files map[string][32]byte // what was said to be done, by path

	busy                      sync.RWMutex // held for reading by whoever sends a file
	over                      atomic.Bool
	done, bytes, retries      atomic.Int64
	kills, redisKills, cuts   atomic.Int64
	lost, wrong, seenTooEarly atomic.Int64
}

func TestSoak(t *testing.T) {
	s := &soak{t: t, sshd: remotetest.StartSSHD(t, remotetest.SSHDOptions{}), redis: registrytest.StartRedis(t), files: map[string][32]byte{}}
	p := remotetest.StartProxy(t, s.sshd.Addr)
	p.Delay(soakAway)
	s.hosts = [2]string{soakDoomed: yamlOf(t, s.sshd.Host("web-1")), soakOld: yamlOf(t, p.Host(s.sshd.Host("web-1")))}
	s.args = []string{"serve", "--listen", "127.0.0.1:0", "--redis", s.redis.URL(),
		"--metrics-listen", "127.0.0.1:0", "--pprof", "127.0.0.1:0"}
	for i := range s.gates {
		s.start(i)
	}
	var people sync.WaitGroup
	for n := range soakUsers {
		people.Go(func() { s.user(n) })
	}
	s.faults(*soakFor / 4)
	early := s.atRest("early")
	s.faults(*soakFor * 3 / 4)
	s.over.Store(true)
	people.Wait()
	s.settle()
	s.grown(early, s.atRest("late"))
	s.explained()
	t.Logf("%d uploads done, %d MiB; %d gateways killed, Redis killed %d times, connections of the host cut %d times; %d requests sent again; wrong files %d, acknowledged bytes lost %d, seen before they were whole %d",
		s.done.Load(), s.bytes.Load()>>20, s.kills.Load(), s.redisKills.Load(), s.cuts.Load(), s.retries.Load(), s.wrong.Load(), s.lost.Load(), s.seenTooEarly.Load())
}

func (s *soak) start(i int) {
	p := startBinary(s.t, plain, nil, append(slices.Clone(s.args), "--hosts", s.hosts[i])...)
	base := p.base()
	s.mu.Lock()
	s.gates[i], s.bases[i] = p, base
	s.mu.Unlock()
}

// base is one of the gateways, whichever.
func (s *soak) base() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bases[rand.IntN(len(s.bases))]
}

// faults kills and cuts until the time is over.
func (s *soak) faults(last time.Duration) {
	for end := time.Now().Add(last); time.Now().Before(end); {
		time.Sleep(time.Second + rand.N(5*time.Second))
		switch rand.IntN(5) {
		case 0, 1:
			_ = s.gates[soakDoomed].cmd.Process.Kill()
			<-s.gates[soakDoomed].ended
			s.kills.Add(1)
			s.start(soakDoomed)
		case 2:
			s.redis.Kill()
			time.Sleep(rand.N(2 * time.Second))
			s.redis.Restart()
			s.redisKills.Add(1)
		case 3:
			s.sshd.CutConnections()
			s.cuts.Add(1)
		case 4:
			s.sshd.KillSFTP()
			s.cuts.Add(1)
		}
	}
}

// user sends one file after the other.
func (s *soak) user(n int) {
	for i := 0; !s.over.Load(); i++ {
		s.sendsOne(n, i)
	}
}

func (s *soak) sendsOne(n, i int) {
	s.busy.RLock()
	defer s.busy.RUnlock()
	size := 1 + rand.IntN(64<<10)
	switch rand.IntN(4) {
	case 0:
		size = 1 + rand.IntN(40*mib)
	case 1:
		size = 1 + rand.IntN(3*mib)
	}
	content := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{byte(n), byte(i), byte(i >> 8)}).Read(content)
	f := &soaked{soak: s, user: fmt.Sprintf("user-%d", n), content: content, sum: sha256.Sum256(content),
		target: filepath.Join(s.sshd.Root, fmt.Sprintf("%d-%d.bin", n, i)), acked: map[int]bool{}}
	ways := []func(){f.chunked, f.tus, f.resumable, f.form}
	if size < 8*mib {
		ways = append(ways, f.put)
	}
	ways[rand.IntN(len(ways))]()
	s.done.Add(1)
	s.bytes.Add(int64(size))
	s.mu.Lock()
	s.files[f.target] = f.sum
	s.mu.Unlock()
}

// soaked is one file on its way.
type soaked struct {
	*soak
	user    string
	target  string
	content []byte
	sum     [32]byte
	id      string
	acked   map[int]bool
}

// call insists until it gets an answer that trying again does not change.
func (f *soaked) call(method, path string, body []byte) (int, map[string]any) {
	for try := 0; ; try++ {
		r, err := http.NewRequest(method, f.base()+path, bytes.NewReader(body))
		if err != nil {
			f.t.Error(err)
			return 0, nil
		}
		r.Header.Set("X-User", f.user)
		status, answer := send(r)
		if status > 0 && status < 500 && status != 408 && status != 423 && status != 429 || try > 600 {
			return status, answer
		}
		f.retries.Add(1)
		time.Sleep(200 * time.Millisecond)
	}
}

// put sends it in one request; a repetition may find it there.
func (f *soaked) put() {
	status, answer := f.call("PUT", "/v1/hosts/web-1/files"+f.target+"?if_exists=replace", f.content)
	if status != 201 && status != 200 {
		f.t.Errorf("put %s: %d %v", f.target, status, answer)
	}
}

const soakChunk = 1 * mib

// chunked sends it in chunks, opening it again whenever it is not known, until
// it is done.
func (f *soaked) chunked() {
	for round := 0; round < 200; round++ {
		if f.chunks() {
			return
		}
		f.retries.Add(1)
	}
	f.t.Errorf("%s never came to its end", f.target)
}

func (f *soaked) chunks() (done bool) {
	digest := base64.StdEncoding.EncodeToString(f.sum[:])
	what := fmt.Sprintf(`{"host":"web-1","path":%q,"size":%d,"chunk_size":%d,"digest":"sha-256=:%s:"}`, f.target, len(f.content), soakChunk, digest)
	status, answer := f.call("POST", "/v1/uploads", []byte(what))
	if status == 409 && answer["code"] == "target-exists" { // its tombstone went with Redis
		return digestOfFileIs(f.target, f.sum)
	}
	if status != 200 && status != 201 {
		f.t.Errorf("open %s: %d %v", f.target, status, answer)
		return true
	}
	if f.id != "" && f.id != answer["id"] && answer["state"] != "done" {
		f.lost.Add(1)
		f.t.Errorf("%s was upload %s and is %v now", f.target, f.id, answer["id"])
	}
	f.id = answer["id"].(string)
	u := &uploader{t: f.t, chunks: (len(f.content) + soakChunk - 1) / soakChunk}
	if answer["state"] == "done" {
		return true
	}
	have := f.received(answer)
	for i := range u.chunks {
		if have[i] {
			continue
		}
		if f.acked[i] {
			f.lost.Add(1)
			f.t.Errorf("%s: chunk %d was acknowledged and is asked for again", f.target, i)
		}
		f.early()
		status, answer := f.call("PUT", fmt.Sprintf("/v1/uploads/%s/chunks/%d", f.id, i), f.content[i*soakChunk:min(len(f.content), (i+1)*soakChunk)])
		if status == 404 {
			return false
		}
		if status != 200 {
			f.t.Errorf("chunk %d of %s: %d %v", i, f.target, status, answer)
			return true
		}
		f.acked[i] = true
	}
	return f.finish()
}

// received is which chunks the gateway says it has.
func (f *soaked) received(answer map[string]any) map[int]bool {
	have := map[int]bool{}
	list, _ := answer["received"].([]any)
	for _, r := range list {
		from, to := int(r.([]any)[0].(float64)), int(r.([]any)[1].(float64))
		for i := (from + soakChunk - 1) / soakChunk; i*soakChunk < to && min(len(f.content), (i+1)*soakChunk) <= to; i++ {
			have[i] = true
		}
	}
	return have
}

// finish asks for the end, now and then twice, and waits for it.
func (f *soaked) finish() (done bool) {
	for range 1 + rand.IntN(2) {
		status, answer := f.call("POST", "/v1/uploads/"+f.id+"/merge", nil)
		if status == 404 {
			return false
		}
		if status != 200 && status != 202 {
			f.t.Errorf("merge of %s: %d %v", f.target, status, answer)
			return true
		}
	}
	for end := time.Now().Add(3 * time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		status, answer := f.call("GET", "/v1/uploads/"+f.id, nil)
		switch {
		case status == 404:
			return false
		case status == 200 && answer["state"] == "done":
			return true
		case status == 200 && answer["state"] == "cancelled":
			f.t.Errorf("%s: cancelled by nobody", f.target)
			return true
		}
	}
	return false
}

// early looks whether the file is to be seen before it may be.
func (f *soaked) early() {
	if _, err := os.Lstat(f.target); err == nil {
		f.seenTooEarly.Add(1)
		f.t.Errorf("%s is visible before its merge was asked for", f.target)
	}
}

func digestOfFileIs(name string, want [32]byte) bool {
	content, err := os.ReadFile(name)
	return err == nil && sha256.Sum256(content) == want
}

func send(r *http.Request) (int, map[string]any) {
	client := http.Client{Timeout: wait.Limit}
	res, err := client.Do(r)
	if err != nil {
		return 0, nil
	}
	return decoded(res)
}

// settle: all that was said to be done is exact, nothing else is visible, and no
// upload is left.
func (s *soak) settle() {
	for name, want := range s.files {
		if !digestOfFileIs(name, want) {
			s.wrong.Add(1)
			s.t.Errorf("%s is not what was sent", name)
		}
	}
	left := func() (names []string) {
		_ = filepath.WalkDir(s.sshd.Root, func(name string, e fs.DirEntry, err error) error {
			if err == nil && name != s.sshd.Root && !e.IsDir() && s.files[name] == [32]byte{} && !ours(name) {
				s.t.Errorf("%s is visible and was not said to be done", name)
			}
			if err != nil || !e.IsDir() || !ours(name) {
				return nil
			}
			if counts(name) {
				names = append(names, name)
			}
			return fs.SkipDir
		})
		return names
	}
	wait.Until(s.t, "all uploads to go", func() bool { return len(left()) == 0 })
}

// prepared is the name under which staging is made before it gets its place, or,
// in capitals, the one under which it is tried what the host can do.
var prepared = regexp.MustCompile(`^\.([a-z2-7]{26}|[A-Z2-7]{26})\.sftpgate$`)

// counts reports whether a name beside the targets stands for an upload: a claim
// in which a clean-up that was cut off has left nothing does not.
func counts(name string) bool {
	inside, _ := filepath.Glob(filepath.Join(name, "*", "*"))
	return len(inside) > 0 && !prepared.MatchString(filepath.Base(name))
}

func ours(name string) bool { return strings.Contains(name, ".sftpgate") }

// A crowd as large as anybody has.
func TestSoakCrowd(t *testing.T) { openMany(t, 10000) }
