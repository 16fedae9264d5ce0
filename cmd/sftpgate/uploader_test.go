package main

import (
	"bytes"
	"cmp"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	wait "sftpgate/remote/remotetest/await"
)

const (
	mib       = 1 << 20
	chunkSize = 8 * mib
	inFlight  = 4
)

// chunkOf makes the bytes of a chunk anew each time, so that no source file is needed.
func chunkOf(i int) []byte { return pieceOf(i, chunkSize) }

// pieceOf fills them by AES, which the race detector does not slow down.
func pieceOf(i, size int) []byte {
	var key [aes.BlockSize]byte
	binary.LittleEndian.PutUint64(key[:], uint64(i))
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err) // of a key of another length
	}
	b := make([]byte, size)
	cipher.NewCTR(block, make([]byte, aes.BlockSize)).XORKeyStream(b, b)
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

	// heard, if there is one, is called at each acknowledgment with how many there
	// are by now. Other chunks are on their way then.
	heard func(acknowledged int)

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
				u.acknowledged(i)
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

func (u *uploader) acknowledged(chunk int) {
	u.mu.Lock()
	u.acked[chunk] = true
	n := len(u.acked)
	u.mu.Unlock()
	if u.heard != nil {
		u.heard(n)
	}
}

func (u *uploader) merge() (int, map[string]any) {
	return request("POST", u.base+"/v1/uploads/"+u.id+"/merge", http.NoBody)
}

// done waits for the end of the merge.
func (u *uploader) done() (answer map[string]any) {
	u.t.Helper()
	wait.Until(u.t, "the merge to end", func() bool {
		var status int
		status, answer = request("GET", u.base+"/v1/uploads/"+u.id, nil)
		if status != 200 || answer["state"] == "failed" {
			u.t.Fatalf("%d %v", status, answer)
		}
		return answer["state"] == "done"
	})
	return answer
}
