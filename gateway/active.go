package gateway

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"sftpgate/gateway/ledger"
	"sftpgate/remote/merge"
	"sftpgate/remote/record"
	"sftpgate/remote/staging"
)

// upload is an upload that this gateway works on: a cache of what stands on
// the host, and the one merge of it here. All of it can be lost at any time.
type upload struct {
	s      *Service
	id     string
	host   *staging.Host
	gen    *staging.Generation
	key    Key
	ledger ledger.Ledger

	confirming chan struct{} // holds one; one look at the claim at a time
	looking    chan struct{} // the same for looks at the host because of held bytes
	onItsWay   atomic.Int64  // bytes of bodies that are not committed yet
	landing    atomic.Int64  // those of them that are just being committed

	mu          sync.Mutex
	state       State
	failure     *Error
	engine      string
	verified    string
	notes       []string
	confirmed   time.Time // the claim stood then
	touched     time.Time
	saved       time.Time // the index was told then
	saving      bool      // it will be told again shortly
	users       int       // bodies on their way in
	space       bool      // free space was checked
	coming      bool      // a body was expected (see expect) since the merge last stopped
	working     bool
	ran         bool      // the merge has, once
	slow        bool      // the last chunk came long after the one before it
	lastChunk   time.Time // when it came
	gathering   time.Time // since when the merge waits for more chunks; zero while it does not
	finishing   bool
	finished    chan struct{}  // closed when the finish that runs has ended
	moved       chan struct{}  // closed and made anew when the merge has moved on
	result      *Upload        // how it ended
	mergeErr    error          // why the merge stands still
	leaseAt     time.Time      // when to ask for the merge lease again
	looked      time.Time      // when the host was last read
	asked       time.Time      // when the index was last asked whether it has ended
	expires     time.Time      // when its claim lapses if nothing happens
	leading     bool           // this gateway holds the merge lease
	marked      string         // the last mark set here (see catchUp)
	finishAt    time.Time      // when the finish began here
	postponed   *FinishRequest // could not be recorded yet; nil: none
	postponedAt time.Time
	follower    *merge.Follower // hashes the part while it grows; nil: nobody does
}

// activate makes a generation active here, or returns it when it is already: as
// it stands on the host now, either way.
func (s *Service) activate(ctx context.Context, h *staging.Host, g *staging.Generation) (*upload, error) {
	state := g.State()
	s.mu.Lock()
	u := s.active[state.Meta.ID]
	s.mu.Unlock()
	if u != nil {
		if u.gen != g { // known here, perhaps not as it stands by now: other gateways take chunks, too
			if err := u.refresh(ctx); err != nil && !u.leads() { // who leads hears of an end by itself
				return u, err
			}
		}
		return u, nil
	}
	u = s.newUpload(h, g)
	if err := u.refresh(ctx); err != nil {
		return nil, err
	}
	return s.admit(u), nil
}

// activateNew makes a generation active that was made just now: nothing is in it
// but what it adopts.
func (s *Service) activateNew(ctx context.Context, h *staging.Host, g *staging.Generation) (*upload, error) {
	if len(g.State().Meta.Adopted) > 0 {
		return s.activate(ctx, h, g)
	}
	u := s.newUpload(h, g)
	u.ledger.Reset(u.ledger.Additions(), g.State().Chunks, nil)
	u.looked = time.Now()
	return s.admit(u), nil
}

// admit takes an upload among the active ones, unless it is there by now.
func (s *Service) admit(u *upload) *upload {
	s.mu.Lock()
	defer s.mu.Unlock()
	if other := s.active[u.id]; other != nil {
		return other
	}
	s.tidy()
	s.active[u.id] = u
	return u
}

// newUpload is a generation as it is known when nothing has been read.
func (s *Service) newUpload(h *staging.Host, g *staging.Generation) *upload {
	return &upload{s: s, id: g.State().Meta.ID, host: h, gen: g, key: keyOf(g.Target()), state: Receiving, touched: time.Now(),
		moved: make(chan struct{}), confirming: make(chan struct{}, 1), looking: make(chan struct{}, 1)}
}

// goOn takes up a finish that was asked for once and cut off, unless that was so
// long ago that the upload has expired: else its tries would keep it for ever.
func (u *upload) goOn() {
	wish := u.gen.State().Finish
	if wish != nil && time.Since(wish.At) < u.s.expireAfter && !u.isFinishing() && u.ended() == nil {
		u.startFinish()
	}
}

// refresh reads from the host what is there.
func (u *upload) refresh(ctx context.Context) error {
	additions, began := u.ledger.Additions(), time.Now()
	// In this order: what is merged between the two looks is in both, and not in neither.
	chunks, err := u.gen.Chunks(ctx)
	if err == nil {
		err = u.gen.Reload(ctx)
	}
	if err != nil {
		return explain(u.hostID(), err)
	}
	names := make([]record.Chunk, len(chunks))
	for i, c := range chunks {
		names[i] = c.Chunk
	}
	u.ledger.Reset(additions, u.gen.State().Chunks, names)
	u.mu.Lock()
	u.looked = began // what came while the host was read may be missing
	u.mu.Unlock()
	return nil
}

// lookLately makes sure that the host was read a moment ago for what other gateways do,
// once for all bodies of a burst.
func (u *upload) lookLately(ctx context.Context) error {
	select {
	case u.looking <- struct{}{}:
		defer func() { <-u.looking }()
	case <-ctx.Done():
		return ctx.Err()
	}
	u.mu.Lock()
	age := time.Since(u.looked)
	u.mu.Unlock()
	if age < lookEvery {
		return nil
	}
	return u.refresh(ctx)
}

// logger names the upload in every line.
func (u *upload) logger() *slog.Logger { return u.s.log.With("upload", u.id, "host", u.hostID()) }

func (u *upload) hostID() string { return u.gen.Target().Host }

// forget drops an upload from memory; what is on the host stays.
func (s *Service) forget(u *upload) {
	s.mu.Lock()
	if s.active[u.id] == u {
		delete(s.active, u.id)
	}
	s.mu.Unlock()
}
