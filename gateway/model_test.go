package gateway_test

import (
	"bytes"
	"context"
	"errors"
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

// The two-merger model: two gateways work on one upload, on a clock that only
// moves when everything waits. Every operation on the host stops at a gate;
// one that waits is let through at a time, chosen by the seed. A gateway may be
// frozen in the middle of anything and thaw when all is over. After every step
// the invariants of the design are checked on the disk.

type stepper struct {
	mu      sync.Mutex
	waiting []*step
	open    bool // let everything through
}

type step struct {
	op    remotetest.Op
	begin chan struct{}
}

func (s *stepper) gate(op remotetest.Op) error {
	s.mu.Lock()
	if s.open {
		s.mu.Unlock()
		return nil
	}
	st := &step{op, make(chan struct{})}
	s.waiting = append(s.waiting, st)
	s.mu.Unlock()
	<-st.begin
	return nil
}

// next lets one waiting operation through, none of frozen; false when none waits.
func (s *stepper) next(r *rand.Rand, frozen string) (remotetest.Op, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var can []int
	for i, st := range s.waiting {
		if st.op.Client != frozen {
			can = append(can, i)
		}
	}
	if len(can) == 0 {
		return remotetest.Op{}, false
	}
	i := can[r.IntN(len(can))]
	st := s.waiting[i]
	s.waiting = append(s.waiting[:i], s.waiting[i+1:]...)
	close(st.begin)
	return st.op, true
}

func (s *stepper) openAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open = true
	for _, st := range s.waiting {
		close(st.begin)
	}
	s.waiting = nil
}

// unleased is a registry that gives every gateway every lease: the lease is
// there to save work, and nothing may depend on it.
type unleased struct{ store }

func (unleased) Lease(context.Context, gateway.Key, string, time.Duration) (bool, error) {
	return true, nil
}

// model is one run.
type model struct {
	t       *testing.T
	disk    *remotetest.Disk
	content []byte
	other   []byte // what the second client has; in some places it may differ
	rng     *rand.Rand
	steps   stepper

	mu     sync.Mutex
	acked  record.Spans
	stands map[int][]byte // what was acknowledged at a place
	clash  string         // two clients were told different things
	epoch  int
	merged record.Spans // the checkpoint as last seen
	told   bool         // a client was told something since the last check
	trace  []string
}

const modelChunk = 700

// bothAtOnce is the first seed with which the two commit different bytes for one place in
// the same moment.
const bothAtOnce = 27

func TestTwoGatewaysOneUpload(t *testing.T) {
	t.Parallel()
	all := make([]int, seeds())
	for i := range all {
		all[i] = i
	}
	if len(all) <= bothAtOnce {
		all = append(all, bothAtOnce)
	}
	for _, seed := range all {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			st := embedded(t) // its file is opened outside the bubble
			if seed%2 == 1 {
				st = unleased{st}
			}
			synctest.Test(t, func(t *testing.T) { runModel(t, st, uint64(seed)) })
		})
	}
}

func runModel(t *testing.T, st store, seed uint64) {
	m := &model{t: t, disk: remotetest.NewDisk(), content: noise(3500), rng: rand.New(rand.NewPCG(seed, 1))}
	if err := m.disk.MkdirAll(memDir); err != nil {
		t.Fatal(err)
	}
	m.other, m.stands = bytes.Clone(m.content), map[int][]byte{}
	if seed%4 == 3 {
		for i := modelChunk; i < 3*modelChunk; i += 100 {
			m.other[i]++
		}
	}
	files := map[string][]byte{"A": bytes.Clone(m.content), "B": bytes.Clone(m.other)}
	gateways := map[string]*rig{}
	for _, name := range []string{"A", "B"} {
		h := memoryHost("web-1")
		h.Engine = "stream"
		dial := sshpool.Options{Dial: m.disk.Dial(remotetest.ServerOptions{Client: name, Gate: m.steps.gate})}
		gateways[name] = &rig{gatewayWith(t, st, dial, gateway.Config{Shared: true}, h), t, nil, memDir}
	}
	results := make(chan error, 2)
	for name, r := range gateways {
		if seed%3 > 0 { // they look after what the other has left, too
			r.Tend()
		}
		order := m.rng.Perm(5)
		go func() { results <- m.client(r, name, files[name], order) }()
	}
	m.drive(results)
	m.steps.openAll()
	synctest.Wait()
	m.afterwards(gateways)
	for _, r := range gateways {
		r.stop()
	}
}

// client uploads a whole file through one gateway, again after every trouble, until it is
// told that the file is done, or that there is one before it has begun. Where other bytes
// stand it takes those for its own.
func (m *model) client(r *rig, name string, file []byte, order []int) error {
	var last error
	for range 200 {
		err := m.tryClient(r, file, order)
		if err == nil {
			return nil
		}
		if gateway.CodeOf(err) == "" {
			return fmt.Errorf("gateway %s: %w", name, err)
		}
		last = err
		time.Sleep(time.Duration(500+m.intn(2000)) * time.Millisecond)
	}
	return fmt.Errorf("gateway %s never came to an end: %w", name, last)
}

func (m *model) intn(n int) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.rng.IntN(n)
}

func (m *model) tryClient(r *rig, file []byte, order []int) error {
	o, err := r.tryOpen(alice, "f", int64(len(file)))
	switch {
	case gateway.CodeOf(err) == gateway.TargetExists: // published, and this client came after it
		return nil
	case err != nil, o.Upload.State == gateway.Done:
		return err
	}
	for _, i := range order {
		off := i * modelChunk
		chunk := file[off : off+modelChunk]
		err := r.trySend(alice, o.Upload.ID, file, int64(off), modelChunk)
		if gateway.CodeOf(err) == gateway.ChunkConflict {
			m.takeOther(chunk, off)
			continue
		}
		if err != nil {
			return inTheWay(err)
		}
		m.acknowledged(chunk, off)
	}
	_, err = r.tryFinish(alice, o.Upload.ID, gateway.FinishRequest{Size: -1})
	return inTheWay(err)
}

// inTheWay is for an upload that has begun: the file that stands there can only be its own,
// and nobody may be told that it is another.
func inTheWay(err error) error {
	switch gateway.CodeOf(err) {
	case gateway.TargetExists, gateway.ChangedMeanwhile:
		return fmt.Errorf("its own file is in the way: %s", err)
	}
	return err
}

// takeOther gives a client at a place what the other one's file has there.
func (m *model) takeOther(chunk []byte, off int) {
	for _, file := range [][]byte{m.content, m.other} {
		if theirs := file[off : off+modelChunk]; !bytes.Equal(theirs, chunk) {
			copy(chunk, theirs)
			return
		}
	}
}

// acknowledged notes that a chunk was. Whatever other bytes come for the place, through
// whichever gateway and in whichever moment, are refused from then on.
func (m *model) acknowledged(chunk []byte, off int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if before, ok := m.stands[off]; ok && !bytes.Equal(before, chunk) {
		m.clash = fmt.Sprintf("two clients were both told that their bytes at %d are safe, and they differ", off)
	}
	m.stands[off] = bytes.Clone(chunk)
	m.acked, m.told = m.acked.With(record.Span{Off: int64(off), Len: modelChunk}), true
}

// exact reports whether a file has what was acknowledged, and elsewhere what one of the
// clients has.
func (m *model) exact(got []byte) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(got) != len(m.content) {
		return false
	}
	for off := 0; off < len(got); off += modelChunk {
		is, file := got[off:off+modelChunk], m.content[off:off+modelChunk]
		if may, ok := m.stands[off]; ok && !bytes.Equal(is, may) || !ok && !bytes.Equal(is, file) && !bytes.Equal(is, m.other[off:off+modelChunk]) {
			return false
		}
	}
	return true
}

// drive lets operations through one by one until both clients have ended. Now
// and then one gateway is frozen: for a while, or until the other is done.
func (m *model) drive(results chan error) {
	ended, frozen, thaw := 0, "", 0
	for n := 0; ended < 2; n++ {
		if n > 200_000 {
			m.t.Fatalf("no end in sight\n%s", m.story())
		}
		synctest.Wait()
		select {
		case err := <-results:
			if err != nil {
				m.t.Fatalf("%v\n%s", err, m.story())
			}
			ended++
			frozen = ""
			continue
		default:
		}
		if frozen == "" && m.intn(60) == 0 && ended == 0 {
			frozen, thaw = string("AB"[m.intn(2)]), n+20+m.intn(400)
			m.note("freeze %s", frozen)
		}
		if frozen != "" && n > thaw {
			m.note("thaw %s", frozen)
			frozen = ""
		}
		op, ok := m.steps.next(m.rng, frozen)
		if !ok {
			// Everything waits for time: deadlines, leases, back-off.
			time.Sleep(200 * time.Millisecond)
			continue
		}
		m.note("%s", op)
		synctest.Wait()
		if m.anew(op) {
			m.check()
		}
	}
}

// anew reports whether there is anything to check after an operation: it may have
// changed the disk, or what a client was told holds it to more than before.
func (m *model) anew(op remotetest.Op) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	told := m.told
	m.told = false
	switch op.Kind {
	case remotetest.Open, remotetest.Close, remotetest.Read, remotetest.Stat, remotetest.Opendir, remotetest.Readdir,
		remotetest.Readlink, remotetest.Realpath, remotetest.StatVFS, remotetest.Limits:
		return told
	}
	return true
}

func (m *model) note(format string, args ...any) {
	m.trace = append(m.trace, fmt.Sprintf(format, args...))
}

func (m *model) story() string {
	return strings.Join(m.trace[max(0, len(m.trace)-60):], "\n") + "\n" + m.disk.Tree()
}

// check holds the invariants against the disk as it is now.
func (m *model) check() {
	m.t.Helper()
	m.mu.Lock()
	clash := m.clash
	m.mu.Unlock()
	if clash != "" {
		m.t.Fatalf("%s\n%s", clash, m.story())
	}
	got, err := m.disk.ReadFile(memDir + "/f")
	if err == nil && !m.exact(got) {
		m.t.Fatalf("the target is visible and not exact: %d bytes\n%s", len(got), m.story())
	}
	if err == nil {
		return // done: staging may go
	}
	state, staged := stagingOn(m.t, m.disk)
	if state.Epoch < m.epoch || state.Epoch == m.epoch && len(m.merged.Without(state.Merged)) > 0 {
		m.t.Fatalf("the checkpoint went back from epoch %d %v to epoch %d %v\n%s", m.epoch, m.merged, state.Epoch, state.Merged, m.story())
	}
	m.epoch, m.merged = state.Epoch, state.Merged
	safe := state.Merged.With(staged...)
	m.mu.Lock()
	defer m.mu.Unlock()
	if lost := m.acked.Without(safe); len(lost) > 0 {
		m.t.Fatalf("acknowledged and not on the host: %v\n%s", lost, m.story())
	}
}

// stagingOn reads what the host knows: records and committed chunks.
func stagingOn(t *testing.T, d *remotetest.Disk) (record.State, record.Spans) {
	t.Helper()
	var records []record.Record
	var staged record.Spans
	for name, e := range d.Snapshot() {
		if !strings.HasPrefix(name, memDir+"/.f.sftpgate/") {
			continue
		}
		switch base := path.Base(name); {
		case strings.HasPrefix(base, "record."):
			if r, err := record.Decode(e.Data); err == nil {
				records = append(records, r)
			}
		case path.Base(path.Dir(name)) == "chunks":
			if c, err := record.ParseChunkName(base); err == nil && int64(len(e.Data)) == c.Len {
				staged = staged.With(c.Span)
			}
		}
	}
	state, err := record.Union(records)
	if err != nil && !errors.Is(err, record.ErrNone) {
		t.Fatal(err)
	}
	return state, staged
}

// afterwards: one publication, and a change made to the file in place stands,
// whatever a gateway that was frozen still does when it thaws.
func (m *model) afterwards(gateways map[string]*rig) {
	m.t.Helper()
	was, err := m.disk.ReadFile(memDir + "/f")
	if err == nil {
		err = m.disk.WriteAt(memDir+"/f", []byte("changed in place"), 0)
	}
	if err != nil {
		m.t.Fatalf("%v\n%s", err, m.story())
	}
	time.Sleep(3 * time.Minute)
	synctest.Wait()
	got, err := m.disk.ReadFile(memDir + "/f")
	want := append([]byte("changed in place"), was[len("changed in place"):]...)
	if err != nil || !bytes.Equal(got, want) {
		m.t.Fatalf("the published file was written to after its publication\n%s", m.story())
	}
	publications := 0
	for _, op := range m.disk.Log() {
		if op.Path2 == memDir+"/f" {
			publications++
		}
	}
	if publications != 1 {
		m.t.Errorf("%d publications", publications)
	}
	// A clean-up that a deadline cut off is completed by whoever looks next.
	if err := m.client(gateways["A"], "A, later", bytes.Clone(m.content), []int{0}); err != nil {
		m.t.Errorf("%v\n%s", err, m.story())
	}
	for name := range m.disk.Snapshot() {
		if strings.Contains(name, ".f.sftpgate") {
			m.t.Errorf("staging is left: %s\n%s", name, m.story())
		}
	}
}
