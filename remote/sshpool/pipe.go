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
	channel  Channel
	replay   []byte // what Read returns first: the VERSION that the handshake has read
	swallow  int    // how many bytes of Write are dropped: the INIT that it has sent
	onError  func(error)
	wake     chan struct{} // told when the first request becomes outstanding
	onSynced func()        // told when it syncs no longer; nil: nobody
	traffic  *traffic
	rtts     *rttTracker

	requests  framer // only used by Write, which the client serialises
	responses framer // only used by Read

	mu          sync.Mutex
	outstanding int
	syncs       map[uint32]struct{}
	progress    time.Time
	heard       time.Time
	timed       timedRequest
	awaited     []*pendingRequest
}

// pendingRequest is a request about one path, as Pipeline waits for it. By its path, as
// others use the connection too, and their requests say nothing about it.
type pendingRequest struct {
	path []byte        // as a string of the protocol
	sent chan struct{} // closed when it begins
}

// maxPathRequest bounds what is looked through for a path: more than a request with a
// path takes, less than most of what is written to files.
const maxPathRequest = 16 << 10

// timedRequest is the one request at a time whose round trip is measured. Not one with a
// body, nor an fsync: they say more of the line and of the disk.
type timedRequest struct {
	id   uint32
	sent time.Time // zero: none
}

func newPipe(ch Channel, failed func(error)) *pipe {
	return &pipe{channel: ch, onError: failed, wake: make(chan struct{}, 1), syncs: map[uint32]struct{}{}, heard: time.Now(),
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
		p.traffic.addReceived(n)
		p.handleResponses(b[:n])
	}
	if err != nil {
		p.onError(err)
	}
	return n, err
}

func (p *pipe) handleResponses(b []byte) {
	if p.countResponses(b) && p.onSynced != nil {
		p.onSynced()
	}
}

// countResponses counts what is answered in b, and reports whether the last fsync was.
func (p *pipe) countResponses(b []byte) (synced bool) {
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
			p.rtts.observe(now.Sub(p.timed.sent), now)
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
		p.countRequests(b[n:])
	}
	for n < len(b) {
		began := time.Now()
		m, err := p.channel.Write(b[n:min(n+pieceSize, len(b))])
		n += m
		p.traffic.addSent(m)
		if err != nil {
			p.onError(err)
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

// countRequests counts the requests that start in b, before they are on their way.
func (p *pipe) countRequests(b []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.awaited) > 0 && len(b) <= maxPathRequest {
		p.awaited = slices.DeleteFunc(p.awaited, func(a *pendingRequest) bool {
			begins := bytes.Contains(b, a.path)
			if begins {
				close(a.sent)
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
			p.timed = timedRequest{r.id, time.Now()}
		}
	})
}

// awaitRequest waits for the next request about path. What is begun after that comes behind
// it: the client writes one request at a time, each in one piece.
func (p *pipe) awaitRequest(path string) *pendingRequest {
	a := &pendingRequest{path: append(binary.BigEndian.AppendUint32(nil, uint32(len(path))), path...), sent: make(chan struct{})}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.awaited = append(p.awaited, a)
	return a
}

// forgetRequest waits for it no more.
func (p *pipe) forgetRequest(a *pendingRequest) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.awaited = slices.DeleteFunc(p.awaited, func(b *pendingRequest) bool { return a == b })
}

// Close is called by the SFTP client when it gives up.
func (p *pipe) Close() error {
	p.onError(io.EOF)
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

// blockedAfter is how long the host may be at a request before others are better sent
// another way: some of its disks take long to sync.
const blockedAfter = 250 * time.Millisecond

// isBlocked reports whether the host has been at a request for long.
func (p *pipe) isBlocked() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.outstanding > 0 && time.Since(p.progress) > blockedAfter
}

// load is the number of outstanding requests, and whether an fsync is among them.
func (p *pipe) load() (requests int, syncing bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.outstanding, len(p.syncs) > 0
}

// stallError is the sentence for a deadline that struck.
func stallError(after time.Duration) error {
	return fmt.Errorf("an SFTP request got no answer for %v; the connection was closed", after.Round(time.Millisecond))
}
