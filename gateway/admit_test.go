package gateway_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"sftpgate/gateway"
	"sftpgate/gateway/access"
	"sftpgate/gateway/limit"
	"sftpgate/remote/hosts"
	"sftpgate/remote/merge/engine"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/sshpool"
	"sftpgate/remote/staging"
)

// limitedRig is a rig whose host and gateway have limits.
func limitedRig(t *testing.T, c gateway.Config, edit func(*hosts.Host)) *rig {
	t.Helper()
	sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	h := sshd.Host("web-1")
	if edit != nil {
		edit(&h)
	}
	return &rig{gatewayWith(t, embedded(t), sshpool.Options{}, c, h), t, sshd, sshd.Root}
}

// held is a body that has begun and goes on when it is let.
type held struct {
	io.Reader
	begun, goOn chan struct{}
	once        sync.Once
}

func heldBody(content []byte) *held {
	return &held{Reader: bytes.NewReader(content), begun: make(chan struct{}), goOn: make(chan struct{})}
}

func (h *held) Read(p []byte) (int, error) {
	h.once.Do(func() { close(h.begun) })
	<-h.goOn
	return h.Reader.Read(p)
}

// untouched is a body that must not be read.
type untouched struct{ t *testing.T }

func (u untouched) Read([]byte) (int, error) {
	u.t.Error("a body is read that was not let in")
	return 0, io.EOF
}

// Where a host, a user or the gateway takes no more bodies, each way of sending
// one is refused unread, and nothing else is: the same goes through afterwards.
func TestTooManyBodies(t *testing.T) {
	const wait = time.Millisecond // whoever finds no place is refused
	const andThen = ": send fewer at the same time, and this one again a little later"
	for name, c := range map[string]struct {
		limits limit.Limits
		ofHost int
		second access.Caller
		says   string
	}{
		"host":    {limit.Limits{Wait: wait}, 1, bob, "host web-1 takes one request body at once"},
		"user":    {limit.Limits{Wait: wait, UserBodies: 1}, 0, alice, "you are sending one request body at once"},
		"gateway": {limit.Limits{Wait: wait, Bodies: 1}, 0, bob, "the gateway takes one request body at once"},
	} {
		t.Run(name, func(t *testing.T) {
			r := limitedRig(t, gateway.Config{Limits: c.limits}, func(h *hosts.Host) { h.MaxBodies = c.ofHost })
			content := noise(300_000)
			size := int64(len(content))
			first, second := r.open(alice, "first", size).Upload.ID, r.open(c.second, "second", size).Upload.ID
			done := r.open(c.second, "done", size).Upload.ID
			r.send(c.second, done, content, 0, size)
			r.finish(c.second, done)

			slow, sent := heldBody(content), make(chan error, 1)
			go func() {
				_, err := r.Receive(t.Context(), alice, first, gateway.Body{Len: size, Total: -1, R: slow})
				sent <- err
			}()
			<-slow.begun
			ways := map[string]func(io.Reader) error{
				"chunk": func(b io.Reader) error {
					return justErr(r.ReceiveChunk(t.Context(), c.second, second, 0, gateway.Body{Len: size, Total: -1, R: b}))
				},
				"range": func(b io.Reader) error {
					return justErr(r.Receive(t.Context(), c.second, second, gateway.Body{Len: size, Total: -1, R: b}))
				},
				"repetition": func(b io.Reader) error {
					return justErr(r.Receive(t.Context(), c.second, done, gateway.Body{Len: size, Total: -1, R: b}))
				},
				"file": func(b io.Reader) error {
					return justErr(r.PutFile(t.Context(), c.second, gateway.PutRequest{Host: "web-1", Path: r.path("put"), Size: size, R: b}))
				},
				"form": func(b io.Reader) error {
					in, err := r.Hold(t.Context(), c.second, "web-1", r.root, b, size)
					if err == nil {
						in.Drop(t.Context())
					}
					return err
				},
			}
			for way, send := range ways {
				e := wantCode(t, send(untouched{t}), gateway.TooMany)
				if !strings.HasPrefix(e.Detail, c.says) || !strings.HasSuffix(e.Detail, andThen) || e.RetryAfter != 5*time.Second || !e.Retryable() {
					t.Errorf("%s: %+v", way, e)
				}
			}
			close(slow.goOn)
			if err := <-sent; err != nil {
				t.Fatal(err)
			}
			for way, send := range ways {
				if err := send(bytes.NewReader(content)); err != nil {
					t.Errorf("%s: %v", way, err)
				}
			}
			r.finish(alice, first)
			r.finish(c.second, second)
			for _, f := range []string{"first", "second", "done", "put"} {
				r.exact(f, content)
			}
		})
	}
}

func justErr[T any](_ T, err error) error { return err }

// A body that waits in line is taken when there is room, and the end of a large
// file that was put holds no place.
func TestBodiesWaitTheirTurn(t *testing.T) {
	r := limitedRig(t, gateway.Config{Limits: limit.Limits{Wait: time.Hour}}, func(h *hosts.Host) { h.MaxBodies = 2 })
	content := noise(10 * mib)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			c := []access.Caller{alice, bob}[i%2]
			if _, err := r.PutFile(t.Context(), c, gateway.PutRequest{Host: "web-1", Path: r.path(fmt.Sprint(i)), Size: int64(len(content)), R: bytes.NewReader(content)}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for i := range 8 {
		r.exact(fmt.Sprint(i), content)
	}
}

// Whatever is sent arrives as it was sent when it is read piece by piece.
func TestBandwidthKeepsTheBytes(t *testing.T) {
	r := limitedRig(t, gateway.Config{Limits: limit.Limits{UserBandwidth: 3 * mib}}, func(h *hosts.Host) { h.Bandwidth = 2 * mib })
	content := noise(500_003)
	size, digest := int64(len(content)), digestOf(content)
	var all sync.WaitGroup
	for name, send := range map[string]func(id string) error{
		"known": func(id string) error { return r.trySend(alice, id, content, 0, size) },
		"unknown": func(id string) error {
			return justErr(r.Receive(t.Context(), alice, id, gateway.Body{Len: -1, Total: -1, R: bytes.NewReader(content)}))
		},
		"digest": func(id string) error {
			return justErr(r.Receive(t.Context(), alice, id, gateway.Body{Len: size, Total: -1, Digest: &digest, R: bytes.NewReader(content)}))
		},
		"twice": func(id string) error {
			if err := r.trySend(alice, id, content, 0, size); err != nil {
				return err
			}
			return r.trySend(alice, id, content, 0, size)
		},
	} {
		all.Go(func() {
			id := r.open(alice, name, size).Upload.ID
			if err := send(id); err != nil {
				t.Errorf("%s: %v", name, err)
				return
			}
			r.finish(alice, id)
		})
	}
	all.Wait()
	for _, name := range []string{"known", "unknown", "digest", "twice"} {
		r.exact(name, content)
	}
	long := r.open(alice, "long", size).Upload.ID
	_, err := r.Receive(t.Context(), alice, long, gateway.Body{Len: size, Total: -1, R: bytes.NewReader(append(content[:size:size], 'x'))})
	wantCode(t, err, gateway.TooLarge)
	short := r.open(alice, "short", size).Upload.ID
	_, err = r.Receive(t.Context(), alice, short, gateway.Body{Len: size, Total: -1, R: bytes.NewReader(content[1:])})
	wantCode(t, err, gateway.InvalidRequest)
}

// The limits of a host follow hosts.yaml.
func TestLimitsOfAHostAreReloaded(t *testing.T) {
	sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	setOf := func(bodies int) *hosts.Set {
		h := sshd.Host("web-1")
		h.MaxBodies = bodies
		set, err := hosts.NewSet(h)
		if err != nil {
			t.Fatal(err)
		}
		return set
	}
	log := slog.New(slog.DiscardHandler)
	links := sshpool.New(setOf(0), sshpool.Options{Log: log})
	defer links.Close()
	pool, _ := links.Host("web-1")
	st := embedded(t)
	s := gateway.New(gateway.Config{Hosts: hostSet{"web-1": staging.New(pool, log)}, Claims: st, Leases: st, Index: st, Engines: engine.NewSet(),
		Log: log, Limits: limit.Limits{Wait: time.Millisecond}})
	defer func() { _ = s.Shutdown(t.Context()) }()
	r := &rig{s, t, sshd, sshd.Root}

	slow, sent := heldBody(noise(1000)), make(chan error, 1)
	id := r.open(alice, "slow", 1000).Upload.ID
	go func() {
		_, err := s.Receive(t.Context(), alice, id, gateway.Body{Len: 1000, Total: -1, R: slow})
		sent <- err
	}()
	<-slow.begun
	put := func(name string) error {
		_, err := s.PutFile(t.Context(), bob, gateway.PutRequest{Host: "web-1", Path: r.path(name), Size: 3, R: strings.NewReader("abc")})
		return err
	}
	if err := put("before"); err != nil {
		t.Error(err)
	}
	links.Update(setOf(1))
	wantCode(t, put("meanwhile"), gateway.TooMany)
	links.Update(setOf(2))
	if err := put("after"); err != nil {
		t.Error(err)
	}
	close(slow.goOn)
	if err := <-sent; err != nil {
		t.Error(err)
	}
}
