package gateway

import (
	"context"
	"log/slog"
	"path"
	"sync"
	"time"

	"sftpgate/remote/merge"
	"sftpgate/remote/record"
	"sftpgate/remote/stage"
)

// upload is an upload that this gateway works on: a cache of what stands on
// the host, and the one merge of it here. All of it can be lost at any time.
type upload struct {
	s      *Service
	id     string
	host   *stage.Host
	gen    *stage.Generation
	key    Key
	ledger ledger

	confirming chan struct{} // holds one; one look at the claim at a time

	mu        sync.Mutex
	state     State
	failure   *Error
	engine    string
	verified  string
	notes     []string
	confirmed time.Time // the claim stood then
	touched   time.Time
	saved     time.Time // the index was told then
	saving    bool      // it will be told again shortly
	users     int       // bodies on their way in
	space     bool      // free space was checked
	working   bool
	finishing bool
	finished  chan struct{}   // closed when the finish that runs has ended
	moved     chan struct{}   // closed and made anew when the merge has moved on
	result    *Upload         // how it ended
	mergeErr  error           // why the merge stands still
	leaseAt   time.Time       // when to ask for the merge lease again
	looked    time.Time       // when the host or the index was last asked how it stands
	finishAt  time.Time       // when the finish began here
	follower  *merge.Follower // hashes the part while it grows; nil: nobody does
}

// activate makes a generation active here, or returns it when it is already.
func (s *Service) activate(ctx context.Context, h *stage.Host, g *stage.Generation) (*upload, error) {
	state := g.State()
	s.mu.Lock()
	u := s.active[state.Meta.ID]
	s.mu.Unlock()
	if u != nil {
		return u, nil
	}
	now := time.Now()
	u = &upload{s: s, id: state.Meta.ID, host: h, gen: g, key: keyOf(g.Target()), state: Receiving, touched: now,
		moved: make(chan struct{}), confirming: make(chan struct{}, 1)}
	if err := u.refresh(ctx); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if other := s.active[u.id]; other != nil {
		return other, nil
	}
	s.tidy()
	s.active[u.id] = u
	return u, nil
}

// goOn takes up a finish that was asked for once and cut off.
func (u *upload) goOn() {
	if u.gen.State().Finish != nil && !u.isFinishing() && u.ended() == nil {
		u.startFinish()
	}
}

// refresh reads from the host what is there.
func (u *upload) refresh(ctx context.Context) error {
	mark := u.ledger.mark()
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
	u.ledger.reset(mark, u.gen.State(), names)
	u.mu.Lock()
	u.looked = time.Now()
	u.mu.Unlock()
	return nil
}

// logger names the upload in every line.
func (u *upload) logger() *slog.Logger { return u.s.log.With("upload", u.id, "host", u.hostID()) }

func (u *upload) hostID() string { return u.gen.Target().Host }

// find returns the active upload, or its end. owner access is checked for a.
func (s *Service) find(ctx context.Context, c Caller, a action, id string) (*upload, *Upload, error) {
	s.mu.Lock()
	u := s.active[id]
	s.mu.Unlock()
	if u != nil {
		meta := u.gen.State().Meta
		if err := s.allowUpload(ctx, c, a, meta.Host, meta.Path, meta.User, meta.Passes); err != nil {
			return nil, nil, err
		}
		if u.stale() {
			s.lookAgain(ctx, u)
		}
		return u, u.ended(), nil
	}
	entry, ok, err := s.index.Get(ctx, id)
	if err != nil {
		return nil, nil, explain("", err)
	}
	if !ok {
		return nil, nil, unknown(id)
	}
	known := entry.Upload
	if err := s.allowUpload(ctx, c, a, known.Host, known.Path, known.User, entry.Passes); err != nil {
		return nil, nil, err
	}
	if entry.Ended {
		return nil, &known, nil
	}
	u, err = s.load(ctx, known)
	return u, nil, err
}

// allowUpload is allow for an upload. Where the ticket is not one that opened
// it, the path must be one that the ticket covers.
func (s *Service) allowUpload(ctx context.Context, c Caller, a action, host, at, owner string, passes []string) error {
	if err := s.allow(c, a, object{host: host, owner: owner, passes: passes}); err != nil {
		return err
	}
	if len(c.within()) == 0 || c.Pass.knownTo(passes) {
		return nil
	}
	h, err := s.host(host)
	if err == nil {
		_, err = h.Resolve(ctx, at, false, c.within()...)
	}
	return explain(host, err)
}

// stale reports whether another gateway may have moved the upload on since
// this one looked.
func (u *upload) stale() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return !u.working && !u.finishing && u.result == nil && time.Since(u.looked) > lookEvery
}

// lookAgain asks the index whether the upload has ended elsewhere.
func (s *Service) lookAgain(ctx context.Context, u *upload) {
	u.mu.Lock()
	u.looked = time.Now()
	u.mu.Unlock()
	if e, ok, err := s.index.Get(ctx, u.id); err == nil && ok && e.Ended {
		u.conclude(e.Upload)
	}
}

// load finds on the host what the index knows only by name.
func (s *Service) load(ctx context.Context, known Upload) (*upload, error) {
	h, err := s.host(known.Host)
	if err != nil {
		return nil, err
	}
	t, err := h.Resolve(ctx, known.Path, false)
	if err != nil {
		return nil, explain(known.Host, err)
	}
	scene, err := h.Look(ctx, t, known.User)
	if err != nil {
		return nil, explain(known.Host, err)
	}
	if scene.Mine == nil {
		return nil, unknown(known.ID)
	}
	if id := scene.Mine.State().Meta.ID; id != known.ID {
		return nil, Refuse(DifferentFile, "upload %s was given up for %s at the same path", known.ID, id)
	}
	u, err := s.activate(ctx, h, scene.Mine)
	if err == nil && u.gen != scene.Mine { // known here, perhaps not as it stands by now
		err = u.refresh(ctx)
	}
	if err != nil {
		return nil, explain(known.Host, err)
	}
	u.goOn()
	return u, nil
}

func unknown(id string) *Error {
	return Refuse(UnknownUpload, "upload %s is not known any more: POST the same upload again, it goes on where it stood", clipID(id))
}

func clipID(id string) string {
	if len(id) > 40 {
		return id[:40] + "…"
	}
	return id
}

// forget drops an upload from memory; what is on the host stays.
func (s *Service) forget(u *upload) {
	s.mu.Lock()
	if s.active[u.id] == u {
		delete(s.active, u.id)
	}
	s.mu.Unlock()
}

// entry is what the index is told.
func (u *upload) entry() Entry {
	meta := u.gen.State().Meta
	return Entry{Upload: u.view(false), Key: u.key, Aliases: aliases(meta, u.key), Passes: meta.Passes, Pending: u.pending()}
}

// aliases are the further names under which an upload is found.
func aliases(meta record.Meta, key Key) []string {
	names := []string{targetAlias(key)}
	if meta.ClientID != "" {
		names = append(names, clientAlias(meta.User, meta.Host, path.Dir(meta.Path), meta.ClientID))
	}
	return names
}

// save tells the index; what it does not hear it can be told again.
func (u *upload) save(ctx context.Context) {
	u.mu.Lock()
	u.saved = time.Now()
	u.mu.Unlock()
	if err := u.s.index.Put(ctx, u.entry(), u.s.expireAfter); err != nil {
		u.s.log.Warn("the index was not told of an upload", "upload", u.id, "err", err)
	}
}

const saveEvery = time.Second

// saveSometimes tells it now and then: progress for lists and other gateways.
// While another gateway merges, that one knows more and tells it. What is not
// told now is told a little later: it may be the last step for long.
func (u *upload) saveSometimes(ctx context.Context) {
	u.mu.Lock()
	elsewhere := !u.working && time.Now().Before(u.leaseAt)
	wait := saveEvery - time.Since(u.saved)
	later := (elsewhere || wait > 0) && !u.saving && u.s.life.Err() == nil
	u.saving = u.saving || later
	u.mu.Unlock()
	switch {
	case later:
		u.s.workers.Go(func() { u.saveLater(u.s.life, elsewhere, wait) })
	case wait <= 0 && !elsewhere:
		u.save(ctx)
	}
}

// saveLater tells what came since. Where another gateway merged, it has told
// more than is known here.
func (u *upload) saveLater(ctx context.Context, elsewhere bool, wait time.Duration) {
	if elsewhere {
		wait = lookEvery
	}
	waited := pause(ctx, wait)
	u.mu.Lock()
	u.saving = false
	over := u.result != nil
	u.mu.Unlock()
	if !waited || over {
		return
	}
	if elsewhere {
		if u.refresh(ctx) != nil {
			return
		}
		u.wake()
	}
	u.save(ctx)
}
