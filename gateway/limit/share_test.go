package limit

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// endless is a client that always has more to send.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func always(rate int64) func() int64 { return func() int64 { return rate } }

// sender reads a body from taps until ctx ends and counts what it got.
func sender(ctx context.Context, got *atomic.Int64, taps ...tap) {
	in := &Body{ctx: ctx, r: endless{}, rest: -1, grow: firstPiece, taps: taps}
	p := make([]byte, 261_120) // as the SFTP client asks
	for {
		n, err := in.Read(p)
		got.Add(int64(n))
		if err != nil {
			return
		}
	}
}

// lasting ends after so long; unlike a deadline nobody sees the end coming.
func lasting(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(d, cancel)
	return ctx
}

// Of a host's bandwidth each user gets the same, however many bodies he sends,
// and together they get all of it.
func TestBandwidthIsSharedByUsers(t *testing.T) {
	for _, rate := range []int64{64 << 10, 1 << 20, 1 << 30} {
		synctest.Test(t, func(t *testing.T) {
			const seconds = 20
			ctx := lasting(t, seconds*time.Second)
			host := &share{}
			var many, one atomic.Int64
			for range 16 {
				go sender(ctx, &many, tap{host, "many", always(rate)})
			}
			go sender(ctx, &one, tap{host, "one", always(rate)})
			<-ctx.Done()
			synctest.Wait()
			a, b, burst := many.Load(), one.Load(), max(rate/burstsASecond, pieceAt(rate))
			if a+b > seconds*rate+burst || a+b < seconds*rate-burst {
				t.Errorf("at %d a second they got %d in %d s", rate, a+b, seconds)
			}
			if diff := max(a-b, b-a); diff > burst+64*pieceAt(rate) { // they begin with small pieces
				t.Errorf("at %d a second sixteen bodies got %d, one got %d", rate, a, b)
			}
		})
	}
}

// The turns are of bytes, not of bodies: who sends small files gets as much.
func TestBandwidthIsSharedWithSmallBodies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const rate, seconds, size = 32 << 20, 20, 10 << 10
		ctx := lasting(t, seconds*time.Second)
		host := &share{}
		var small, large atomic.Int64
		for range 64 {
			go func() {
				for ctx.Err() == nil {
					in := &Body{ctx: ctx, r: io.LimitReader(endless{}, size), rest: size, taps: []tap{{host, "small", always(rate)}}}
					n, _ := io.Copy(io.Discard, in)
					small.Add(n)
				}
			}()
			go sender(ctx, &large, tap{host, "large", always(rate)})
		}
		<-ctx.Done()
		synctest.Wait()
		if a, b := small.Load(), large.Load(); a < b*9/10 || a > b*11/10 || a+b < (seconds-1)*rate {
			t.Errorf("small files: %d, large ones: %d", a, b)
		}
	})
}

// A user's own limit holds over all hosts, and leaves the rest of a host to others.
func TestBandwidthOfAUser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const seconds, ofHost, ofUser = 10, 1 << 20, 128 << 10
		ctx := lasting(t, seconds*time.Second)
		slow, quick, alice := &share{}, &share{}, &share{}
		var hers, theirs atomic.Int64
		for range 4 {
			go sender(ctx, &hers, tap{alice, "slow", always(ofUser)}, tap{slow, "alice", always(ofHost)})
			go sender(ctx, &hers, tap{alice, "quick", always(ofUser)}, tap{quick, "alice", always(0)})
		}
		go sender(ctx, &theirs, tap{slow, "bob", always(ofHost)})
		<-ctx.Done()
		synctest.Wait()
		if n := hers.Load(); n < seconds*ofUser-ofUser/2 || n > seconds*ofUser+ofUser/2 {
			t.Errorf("alice sent %d", n)
		}
		if n := theirs.Load(); n < seconds*(ofHost-ofUser)-ofHost/2 {
			t.Errorf("bob got %d of what alice left", n)
		}
	})
}

// A limit that is set, changed and taken away while bodies come in counts from
// the next piece on.
func TestBandwidthIsReloaded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		host := &share{}
		var rate, got atomic.Int64
		rate.Store(1 << 20)
		for range 3 {
			go sender(ctx, &got, tap{host, "alice", rate.Load})
		}
		inTenSeconds := func() int64 {
			before := got.Load()
			time.Sleep(10 * time.Second)
			return got.Load() - before
		}
		for _, now := range []int64{1 << 20, 32 << 10, 4 << 20} {
			rate.Store(now)
			time.Sleep(time.Second)
			if n := inTenSeconds(); n < 9*now || n > 11*now {
				t.Errorf("at %d a second: %d in ten seconds", now, n)
			}
		}
		cancel()
		synctest.Wait()
		if host.busy || host.waiting.n != 0 {
			t.Errorf("somebody is left in line: %+v", host)
		}
		began := time.Now()
		in := &Body{ctx: t.Context(), r: io.LimitReader(endless{}, 1<<30), rest: -1, grow: firstPiece, taps: []tap{{host, "alice", always(0)}}}
		n, err := io.Copy(io.Discard, in)
		if took := time.Since(began); n != 1<<30 || err != nil || took > 0 {
			t.Errorf("%d bytes without a limit took %v, %v", n, took, err)
		}
	})
}

// Bodies of a few KiB are held to the rate like large ones: what a body does
// not need is not taken from the others.
func TestBandwidthOfSmallBodies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const rate, bodies, size = 1 << 20, 1000, 10 << 10
		host := &share{}
		began := time.Now()
		for range bodies {
			in := &Body{ctx: t.Context(), r: io.LimitReader(endless{}, size), rest: size, taps: []tap{{host, "alice", always(rate)}}}
			if n, err := io.Copy(io.Discard, in); n != size || err != nil {
				t.Fatalf("%d, %v", n, err)
			}
		}
		want := time.Duration(bodies*size-rate/burstsASecond) * time.Second / rate
		if took := time.Since(began); took < want || took > want+time.Second {
			t.Errorf("they took %v, not %v", took, want)
		}
	})
}

// With as many bodies as a gateway takes none stands still for long.
func TestNobodyWaitsLongForAPiece(t *testing.T) {
	for _, rate := range []int64{1 << 20, 100 << 20} {
		synctest.Test(t, func(t *testing.T) {
			ctx := lasting(t, 30*time.Second)
			host := &share{}
			var longest atomic.Int64
			for range DefaultBodies {
				go func() {
					in := &Body{ctx: ctx, r: endless{}, rest: -1, grow: firstPiece, taps: []tap{{host, "alice", always(rate)}}}
					for p := make([]byte, mostPiece); ; {
						began := time.Now()
						if _, err := in.Read(p); err != nil {
							return
						}
						if took := int64(time.Since(began)); took > longest.Load() {
							longest.Store(took)
						}
					}
				}()
			}
			<-ctx.Done()
			synctest.Wait()
			if pause := time.Duration(longest.Load()); pause == 0 || pause > 5*time.Second {
				t.Errorf("at %d a second: a pause of %v", rate, pause)
			}
		})
	}
}

// Who leaves the line takes nothing with him, at whatever moment he leaves.
func TestLeavingTheLineOfBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const rate = 64 << 10
		host := &share{}
		var gone, stays atomic.Int64
		ctx := lasting(t, 20*time.Second)
		go sender(ctx, &stays, tap{host, "bob", always(rate)})
		for i := range 200 {
			go func() {
				short, cancel := context.WithCancel(ctx)
				defer cancel()
				time.AfterFunc(time.Duration(i)*37*time.Millisecond, cancel)
				sender(short, &gone, tap{host, "alice", always(rate)})
			}()
		}
		<-ctx.Done()
		synctest.Wait()
		if host.busy || host.waiting.n != 0 || len(host.waiting.lines) != 0 {
			t.Errorf("somebody is left in line: %+v", host)
		}
		if n := gone.Load() + stays.Load(); n < 19*rate {
			t.Errorf("%d bytes were handed out in 20 s", n)
		}
		in := &Body{ctx: ctx, r: endless{}, rest: 1, taps: []tap{{host, "bob", always(rate)}}}
		if err := in.AwaitBandwidth(); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}
