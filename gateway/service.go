package gateway

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"sftpgate/gateway/limit"
	"sftpgate/remote/merge/engine"
	"sftpgate/remote/staging"
)

// Hosts gives the staging of each configured host.
type Hosts interface {
	Host(id string) (*staging.Host, bool)
	// IDs lists the hosts in the order of hosts.yaml.
	IDs() []string
}

// Config is what a Service is made of.
type Config struct {
	Hosts   Hosts
	Claims  Claims
	Leases  Leases
	Index   Index
	Engines *engine.Set
	Log     *slog.Logger
	// Shared says that other gateways use the same registry.
	Shared bool
	// Ready asks the registry whether it answers.
	Ready func(context.Context) error
	// Meter is told what happens; nil: nobody.
	Meter Meter
	// ExpireAfter is how long a staging lives without activity; 0: 7 days.
	ExpireAfter time.Duration
	// Limits bound what this gateway takes in, for each user and altogether. Every
	// gateway counts for itself. What bounds a host stands in hosts.yaml (Bandwidth,
	// MaxBodies) and counts as it is configured at the moment.
	Limits limit.Limits
	// UserQuota is how many bytes a user's unfinished uploads may hold together, on
	// all hosts and through all gateways; 0: no limit. What counts is an upload's
	// declared size, or what has arrived of it where it has none.
	UserQuota int64
}

// Service is the gateway: it takes uploads, keeps their claims and brings them
// to their targets. It is safe for concurrent use.
type Service struct {
	hosts       Hosts
	claims      Claims
	leases      Leases
	index       Index
	engines     *engine.Set
	log         *slog.Logger
	shared      bool
	ready       func(context.Context) error
	meter       Meter
	expireAfter time.Duration
	limiter     *limit.Limiter
	quota       *quota
	token       string // this gateway's name for leases

	openings turns        // one opening per target at a time
	marking  turns        // one catching up per target at a time
	unasked  atomic.Int64 // until when the registry is not asked for places, in Unix nanoseconds

	mu        sync.Mutex
	active    map[string]*upload
	feeds     map[string]*feed         // by upload
	following map[string]int           // followers by host
	retries   map[string]retry         // of uploads that this gateway looks after by itself
	swept     map[string]time.Time     // hosts, when this gateway last did
	noted     map[string]time.Time     // directories, when staging was last noticed there
	roots     map[string][]rootTrouble // by host: what the last look at it has found
	stopping  bool
	running   sync.WaitGroup // requests that write
	workers   sync.WaitGroup
	stop      context.CancelFunc
	life      context.Context // of merges; ends when the drain time is over
}

// How long things stand.
const (
	defaultExpiry = 7 * 24 * time.Hour
	tombstoneLife = 24 * time.Hour
	// segment is the most that is committed as one chunk, and so the most that a
	// cut connection can lose.
	segment = 8 << 20
)

// New makes a service. Shutdown ends it.
func New(c Config) *Service {
	if c.ExpireAfter == 0 {
		c.ExpireAfter = defaultExpiry
	}
	if c.Meter == nil {
		c.Meter = noMeter{}
	}
	if c.Engines == nil {
		c.Engines = engine.NewSet()
	}
	s := &Service{hosts: c.Hosts, claims: c.Claims, leases: c.Leases, index: c.Index, engines: c.Engines, log: c.Log,
		shared: c.Shared, ready: c.Ready, meter: c.Meter, expireAfter: c.ExpireAfter, limiter: limit.New(c.Limits), quota: newQuota(c.UserQuota), token: rand.Text(),
		active: map[string]*upload{}, feeds: map[string]*feed{}, following: map[string]int{}, retries: map[string]retry{},
		swept: map[string]time.Time{}, noted: map[string]time.Time{}, roots: map[string][]rootTrouble{}}
	s.life, s.stop = context.WithCancel(context.Background())
	return s
}

// Ready reports whether new uploads can be taken.
func (s *Service) Ready(ctx context.Context) error {
	s.mu.Lock()
	stopping := s.stopping
	s.mu.Unlock()
	if stopping {
		return Stopping()
	}
	if s.ready == nil {
		return nil
	}
	return explain("", s.ready(ctx))
}

// Stopping is the refusal of a gateway that shuts down.
func Stopping() *Error {
	return &Error{Code: ShuttingDown, RetryAfter: 5 * time.Second, Detail: "the gateway is shutting down; nothing is lost: try again when it is back"}
}

// enter counts a request that writes; done must be called when it ends.
func (s *Service) enter() (done func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping {
		return nil, Stopping()
	}
	s.running.Add(1)
	return s.running.Done, nil
}

// Shutdown takes no new work, lets running requests end while ctx lasts, and
// stops merges at a checkpoint. Whatever it cuts off is resumed later.
func (s *Service) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.stopping = true
	s.mu.Unlock()
	drained := make(chan struct{})
	go func() {
		s.running.Wait()
		close(drained)
	}()
	var err error
	select {
	case <-drained:
	case <-ctx.Done():
		err = ctx.Err()
	}
	s.stop()
	s.workers.Wait()
	return err
}

func (s *Service) host(id string) (*staging.Host, error) {
	h, ok := s.hosts.Host(id)
	if !ok {
		return nil, Refuse(UnknownHost, "unknown host %q: GET /v1/hosts lists the hosts", id)
	}
	return h, nil
}

// newID names a generation: 130 random bits, so that knowing it cannot be guessed.
func newID() string { return strings.ToLower(rand.Text()) }

func keyOf(t staging.Target) Key {
	sum := sha256.Sum256([]byte(t.Host + "\x00" + t.Dir + "\x00" + t.Name))
	return Key(hex.EncodeToString(sum[:]))
}

// targetAlias and clientAlias are the further names of an index entry.
func targetAlias(k Key) string { return "target:" + string(k) }

func clientAlias(user, host, dir, client string) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{user, host, dir, client}, "\x00")))
	return "client:" + hex.EncodeToString(sum[:])
}
