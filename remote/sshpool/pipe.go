package sshpool

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"
)

// pieceSize is what is written to a channel at once, so that a long packet on a
// slow line shows progress; SSH cuts at this size anyway.
const pieceSize = 32 << 10

// slowPiece is how long a piece must have been held up for its acceptance to
// count as progress. On a frozen host small requests are still accepted, at once,
// until the buffers are full; they must not keep the deadline from striking.
const slowPiece = 50 * time.Millisecond

// pipe lies between the SFTP client and its channel and counts: which requests
// are outstanding, whether an fsync is among them, and when there was progress.
type pipe struct {
	channel Channel
	replay  []byte // what Read returns first: the VERSION that the handshake has read
	swallow int    // how many bytes of Write are dropped: the INIT that it has sent
	failed  func(error)
	wake    chan struct{} // told when the first request becomes outstanding
	synced  func()        // told when it syncs no longer; nil: nobody
	traffic *traffic
	trips   *trips

	requests  framer // only used by Write, which the client serialises
	responses framer // only used by Read

	mu          sync.Mutex
	outstanding int
	syncs       map[uint32]struct{}
	progress    time.Time
	heard       time.Time
	timed       timed
	awaited     []*awaited
}

// awaited is a request about one path, as InOrder waits for it. By its path, as
// others use the connection too, and their requests say nothing about it.
type awaited struct {
	path  []byte        // as a string of the protocol
	asked chan struct{} // closed when it begins
}

// longestAsked bounds what is looked through for a path: more than a request with a
// path takes, less than most of what is written to files.
const longestAsked = 16 << 10

// timed is the one request at a time whose round trip is measured. Not one with a
// body, nor an fsync: they say more of the line and of the disk.
type timed struct {
	id   uint32
	sent time.Time // zero: none
}

func newPipe(ch Channel, failed func(error)) *pipe {
	return &pipe{channel: ch, failed: failed, wake: make(chan struct{}, 1), syncs: map[uint32]struct{}{}, heard: time.Now(),
		responses: framer{whole: true}}
}

func (p *pipe) Read(b []byte) (int, error) {
	if len(p.replay) > 0 {
		n := copy(b, p.replay)
		p.replay = p.replay[n:]
		return n, nil
	}
	n, err := p.channel.Read(b)
	if n > 0 {
		p.traffic.came(n)
		p.received(b[:n])
	}
	if err != nil {
		p.failed(err)
	}
	return n, err
}

func (p *pipe) received(b []byte) {
	if p.answers(b) && p.synced != nil {
		p.synced()
	}
}

// answers counts what is answered in b, and reports whether the last fsync was.
func (p *pipe) answers(b []byte) (synced bool) {
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.progress, p.heard = now, now
	before := len(p.syncs)
	p.responses.feed(b, func(r packet) {
		if p.outstanding > 0 {
			p.outstanding--
		}
		delete(p.syncs, r.id)
		if r.id == p.timed.id && !p.timed.sent.IsZero() {
			p.trips.saw(now.Sub(p.timed.sent), now)
			p.timed.sent = time.Time{}
		}
	})
	return before > 0 && len(p.syncs) == 0
}

func (p *pipe) Write(b []byte) (int, error) {
	drop := min(p.swallow, len(b))
	p.swallow -= drop
	n := drop
	if n < len(b) {
		p.sending(b[n:])
	}
	for n < len(b) {
		began := time.Now()
		m, err := p.channel.Write(b[n:min(n+pieceSize, len(b))])
		n += m
		p.traffic.went(m)
		if err != nil {
			p.failed(err)
			// Without wrapping err: it is often io.EOF, which the SFTP client takes for
			// the end of what it was given to write, and for success.
			return n, fmt.Errorf("%w: %v", errLost, err) //nolint:errorlint // see above
		}
		if now := time.Now(); now.Sub(began) > slowPiece {
			p.mu.Lock()
			p.progress = now
			p.mu.Unlock()
		}
	}
	return n, nil
}

// sending counts the requests that start in b, before they are on their way.
func (p *pipe) sending(b []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.awaited) > 0 && len(b) <= longestAsked {
		p.awaited = slices.DeleteFunc(p.awaited, func(a *awaited) bool {
			begins := bytes.Contains(b, a.path)
			if begins {
				close(a.asked)
			}
			return begins
		})
	}
	p.requests.feed(b, func(r packet) {
		if p.outstanding++; p.outstanding == 1 {
			p.progress = time.Now()
			select {
			case p.wake <- struct{}{}:
			default:
			}
		}
		if r.sync {
			p.syncs[r.id] = struct{}{}
		} else if p.timed.sent.IsZero() && r.kind != typeWrite {
			p.timed = timed{r.id, time.Now()}
		}
	})
}

// await waits for the next request about path. What is begun after that comes behind
// it: the client writes one request at a time, each in one piece.
func (p *pipe) await(path string) *awaited {
	a := &awaited{path: append(binary.BigEndian.AppendUint32(nil, uint32(len(path))), path...), asked: make(chan struct{})}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.awaited = append(p.awaited, a)
	return a
}

// forget waits for it no more.
func (p *pipe) forget(a *awaited) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.awaited = slices.DeleteFunc(p.awaited, func(b *awaited) bool { return a == b })
}

// Close is called by the SFTP client when it gives up.
func (p *pipe) Close() error {
	p.failed(io.EOF)
	return nil
}

// deadline tells when the connection is to be closed unless something is
// answered before; ok is false while nothing is outstanding.
func (p *pipe) deadline(stall, syncStall time.Duration) (at time.Time, after time.Duration, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.outstanding == 0 {
		return time.Time{}, 0, false
	}
	if len(p.syncs) > 0 {
		stall = syncStall
	}
	return p.progress.Add(stall), stall, true
}

// lastHeard is when the host last said something.
func (p *pipe) lastHeard() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.heard
}

// heldUpAfter is how long the host may be at a request before others are better sent
// another way: some of its disks take long to sync.
const heldUpAfter = 250 * time.Millisecond

// heldUp reports whether the host has been at a request for long.
func (p *pipe) heldUp() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.outstanding > 0 && time.Since(p.progress) > heldUpAfter
}

// load is the number of outstanding requests, and whether an fsync is among them.
func (p *pipe) load() (requests int, syncing bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.outstanding, len(p.syncs) > 0
}

// stalled is the sentence for a deadline that struck.
func stalled(after time.Duration) error {
	return fmt.Errorf("an SFTP request got no answer for %v; the connection was closed", after.Round(time.Millisecond))
}
