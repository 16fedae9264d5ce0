package gateway_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"path"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sftpgate/gateway"
	"sftpgate/remote/record"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/sshpool"
)

// The model once more, with people in it who change their minds: while one
// client sends a file, others cancel, begin another file in its place, take the
// path over, empty the registry, and sweep. What was given up by somebody may be
// gone; nothing else may.

// forgetful is a registry that can be emptied.
type forgetful struct {
	mu    sync.Mutex
	now   store
	fresh []store
}

func (f *forgetful) flush() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.fresh) == 0 {
		return false
	}
	f.now, f.fresh = f.fresh[0], f.fresh[1:]
	return true
}

func (f *forgetful) at() store { f.mu.Lock(); defer f.mu.Unlock(); return f.now }

func (f *forgetful) Claim(ctx context.Context, k gateway.Key, c gateway.Claim, ttl time.Duration) (gateway.Claim, error) {
	return f.at().Claim(ctx, k, c, ttl)
}
func (f *forgetful) Replace(ctx context.Context, k gateway.Key, token string, c gateway.Claim, ttl time.Duration) (gateway.Claim, error) {
	return f.at().Replace(ctx, k, token, c, ttl)
}
func (f *forgetful) Renew(ctx context.Context, k gateway.Key, token string, ttl time.Duration) (bool, error) {
	return f.at().Renew(ctx, k, token, ttl)
}
func (f *forgetful) Release(ctx context.Context, k gateway.Key, token string) error {
	return f.at().Release(ctx, k, token)
}
func (f *forgetful) Lease(ctx context.Context, k gateway.Key, token string, ttl time.Duration) (bool, error) {
	return f.at().Lease(ctx, k, token, ttl)
}
func (f *forgetful) Unlease(ctx context.Context, k gateway.Key, token string) error {
	return f.at().Unlease(ctx, k, token)
}
func (f *forgetful) Put(ctx context.Context, e gateway.Entry, ttl time.Duration) error {
	return f.at().Put(ctx, e, ttl)
}
func (f *forgetful) Get(ctx context.Context, id string) (gateway.Entry, bool, error) {
	return f.at().Get(ctx, id)
}
func (f *forgetful) ByAlias(ctx context.Context, alias string) (gateway.Entry, bool, error) {
	return f.at().ByAlias(ctx, alias)
}
func (f *forgetful) ByUser(ctx context.Context, user string) ([]gateway.Entry, error) {
	return f.at().ByUser(ctx, user)
}
func (f *forgetful) Unended(ctx context.Context) ([]gateway.Entry, error) { return f.at().Unended(ctx) }
func (f *forgetful) Pending(ctx context.Context) ([]gateway.Entry, error) { return f.at().Pending(ctx) }
func (f *forgetful) Ping(ctx context.Context) error                       { return f.at().Ping(ctx) }
func (f *forgetful) Close() error                                         { return nil }

func TestPeopleChangeTheirMinds(t *testing.T) {
	t.Parallel()
	for seed := range seeds() / 2 {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			chaosOf(t, uint64(seed), "near", modelChunk)
		})
	}
	// Bodies that go over several connections are larger, and take longer to look at.
	for seed := range max(1, seeds()/30) {
		t.Run(fmt.Sprint("far ", seed), func(t *testing.T) {
			chaosOf(t, uint64(seed), "far", 300_000)
		})
	}
}

func chaosOf(t *testing.T, seed uint64, distance string, chunk int) {
	st := &forgetful{now: embedded(t), fresh: []store{embedded(t), embedded(t)}}
	synctest.Test(t, func(t *testing.T) { runChaos(t, st, seed, distance, chunk) })
}

// chaos is one run.
type chaos struct {
	*model
	st       *forgetful
	chunk    int64
	contents [][]byte

	givenUp map[string]bool         // by somebody's request, ids
	restart bool                    // somebody gives up whatever stands there
	safe    map[string]record.Spans // acknowledged, by id
	done    []byte                  // what somebody was told is published
}

const chaosExpiry = 10 * time.Minute

func runChaos(t *testing.T, st *forgetful, seed uint64, distance string, chunk int) {
	c := &chaos{st: st, chunk: int64(chunk), contents: [][]byte{noise(5 * chunk), noise(4 * chunk)}, givenUp: map[string]bool{}, safe: map[string]record.Spans{},
		model: &model{t: t, disk: remotetest.NewDisk(), rng: rand.New(rand.NewPCG(seed, 2))}}
	if err := c.disk.MkdirAll(memDir); err != nil {
		t.Fatal(err)
	}
	var gateways []*rig
	defer func() { // also when it failed, or what is left would wait for ever
		c.steps.openAll()
		for _, r := range gateways {
			r.stop()
		}
	}()
	for _, name := range []string{"A", "B"} {
		o := away(distance, sshpool.Options{Dial: c.disk.Dial(remotetest.ServerOptions{Client: name, Gate: c.steps.gate})})
		s := gatewayWith(t, st, o, gateway.Config{ExpireAfter: chaosExpiry}, memoryHost("web-1"))
		s.Tend()
		gateways = append(gateways, &rig{s, t, nil, memDir})
	}
	ended := make(chan struct{}, 4)
	actors := []func(){
		func() { c.sender(gateways[0], 0, 12) },
		func() { c.sender(gateways[1], c.intn(2), 12) },
		func() { c.meddler(gateways[c.intn(2)]) },
	}
	for _, act := range actors {
		go func() { act(); ended <- struct{}{} }()
	}
	c.run(len(actors), ended)
	c.steps.openAll()
	c.settle(gateways)
}

// run lets operations through one by one until all actors have ended.
func (c *chaos) run(actors int, ended chan struct{}) {
	frozen, thaw := "", 0
	for n := 0; actors > 0; n++ {
		if n > 200_000 {
			c.t.Fatalf("no end in sight\n%s", c.story())
		}
		synctest.Wait()
		select {
		case <-ended:
			actors--
			continue
		default:
		}
		if frozen == "" && c.intn(80) == 0 {
			frozen, thaw = string("AB"[c.intn(2)]), n+20+c.intn(300)
		}
		if n > thaw {
			frozen = ""
		}
		op, ok := c.steps.next(c.rng, frozen)
		if !ok {
			time.Sleep(200 * time.Millisecond)
			continue
		}
		c.note("%s", op)
		synctest.Wait()
		if c.anew(op) {
			c.check()
		}
	}
}

// sender sends one of the files until it is published or it has tried so often.
func (c *chaos) sender(r *rig, which, tries int) {
	content := c.contents[which]
	for range tries {
		if c.trySend(r, content) {
			return
		}
		time.Sleep(time.Duration(300+c.intn(3000)) * time.Millisecond)
	}
}

func (c *chaos) trySend(r *rig, content []byte) (over bool) {
	o, err := r.tryOpen(alice, "f", int64(len(content)))
	if err != nil {
		c.say("open: %v", err)
		return gateway.CodeOf(err) == gateway.TargetExists
	}
	id := o.Upload.ID
	c.say("opened %s %s resumed %v", id[:4], o.Upload.State, o.Resumed)
	for off := int64(0); off < int64(len(content)); off += c.chunk {
		n := min(c.chunk, int64(len(content))-off)
		if err := r.trySend(alice, id, content, off, n); err != nil {
			c.say("send %s %d: %v", id[:4], off, err)
			return false
		}
		c.mu.Lock()
		c.safe[id], c.told = c.safe[id].With(record.Span{Off: off, Len: n}), true
		c.mu.Unlock()
	}
	u, err := r.tryFinish(alice, id, gateway.FinishRequest{Size: -1})
	c.say("finish %s: %s %v", id[:4], u.State, err)
	if err == nil && u.State == gateway.Done {
		c.mu.Lock()
		c.done, c.told = content, true
		c.mu.Unlock()
	}
	if gateway.CodeOf(err) == gateway.TargetExists { // the connection was lost when it was opened, and so was this answer
		c.mu.Lock()
		c.givenUp[id] = true
		c.mu.Unlock()
		_ = r.Cancel(c.t.Context(), alice, id)
	}
	return err == nil && u.State == gateway.Done
}

// meddler gives things up, in every way there is.
func (c *chaos) meddler(r *rig) {
	for range 3 + c.intn(6) {
		time.Sleep(time.Duration(c.intn(4000)) * time.Millisecond)
		var err error
		what := c.intn(5)
		switch what {
		case 0, 1, 2:
			list, lerr := r.List(c.t.Context(), alice)
			if lerr != nil || len(list) == 0 || list[0].State.Ended() {
				continue
			}
			u := list[0]
			c.mu.Lock()
			c.givenUp[u.ID] = true
			c.mu.Unlock()
			switch what {
			case 0:
				err = r.Cancel(c.t.Context(), alice, u.ID)
			case 1:
				err = r.Takeover(c.t.Context(), admin, u.ID)
			default:
				other := c.contents[0]
				if u.Size == int64(len(other)) {
					other = c.contents[1]
				}
				err = c.giveUpAll(r, other)
			}
		case 3:
			c.st.flush()
		case 4:
			err = r.Sweep(c.t.Context(), "web-1")
		}
		c.say("meddled %d: %v", what, err)
	}
}

// giveUpAll begins an upload in the place of whichever stands.
func (c *chaos) giveUpAll(r *rig, content []byte) error {
	c.mu.Lock()
	c.restart = true
	c.mu.Unlock()
	_, err := r.tryOpen(alice, "f", int64(len(content)), func(o *gateway.OpenRequest) { o.Restart = true })
	c.mu.Lock()
	defer c.mu.Unlock()
	c.restart = false
	for id := range c.safe {
		c.givenUp[id] = true
	}
	return err
}

func (c *chaos) say(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.trace = append(c.trace, "-- "+fmt.Sprintf(format, args...))
}

func (c *chaos) note(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.trace = append(c.trace, fmt.Sprintf(format, args...))
}

// check holds the invariants against the disk as it is now.
func (c *chaos) check() {
	c.t.Helper()
	got, err := c.disk.ReadFile(memDir + "/f")
	if err == nil {
		for _, content := range c.contents {
			if bytes.Equal(got, content) {
				return
			}
		}
		c.t.Fatalf("the target is visible and no file that was sent: %d bytes\n%s", len(got), c.story())
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done != nil {
		c.t.Fatalf("a published file is gone\n%s", c.story())
	}
	standing := c.generations()
	for id, acked := range c.safe {
		if lost := acked.Without(standing[id]); len(lost) > 0 && !c.givenUp[id] && !c.restart {
			c.t.Fatalf("acknowledged for %s, given up by nobody, and not on the host: %v\n%s", id, lost, c.story())
		}
	}
}

// generations is what is safe in each generation on the disk, by upload id.
func (c *chaos) generations() map[string]record.Spans {
	records, staged := map[string][]record.Record{}, map[string]record.Spans{}
	for name, e := range c.disk.Snapshot() {
		if !strings.HasPrefix(name, memDir+"/.f.sftpgate/") {
			continue
		}
		switch dir, base := path.Split(name); {
		case strings.HasPrefix(base, "record."):
			if r, err := record.Decode(e.Data); err == nil {
				gen := path.Clean(dir)
				records[gen] = append(records[gen], r)
			}
		case path.Base(dir) == "chunks":
			if ch, err := record.ParseChunkName(base); err == nil && int64(len(e.Data)) == ch.Len {
				gen := path.Dir(path.Clean(dir))
				staged[gen] = staged[gen].With(ch.Span)
			}
		}
	}
	safe := map[string]record.Spans{}
	for gen, list := range records {
		if state, err := record.Union(list); err == nil {
			safe[state.Meta.ID] = state.Merged.With(staged[gen]...)
		}
	}
	return safe
}

// settle: somebody who goes on gets his file there, and nothing else is left
// when all that was abandoned has expired.
func (c *chaos) settle(gateways []*rig) {
	c.t.Helper()
	synctest.Wait()
	for try := 0; !c.trySend(gateways[0], c.contents[0]); try++ {
		if try > 40 {
			c.t.Fatalf("the file does not get there\n%s", c.story())
		}
		_ = c.giveUpAll(gateways[0], c.contents[0])
		time.Sleep(2 * time.Second)
	}
	c.check()
	time.Sleep(2 * chaosExpiry)
	for _, r := range gateways {
		if err := r.Sweep(c.t.Context(), "web-1"); err != nil {
			c.t.Errorf("sweep: %v", err)
		}
	}
	synctest.Wait()
	for name := range c.disk.Snapshot() {
		if strings.Contains(name, ".sftpgate") {
			c.t.Errorf("staging is left: %s\n%s", name, c.story())
		}
	}
}
