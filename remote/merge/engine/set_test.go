package engine_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sftpgate/remote/hosts"
	"sftpgate/remote/merge/engine"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/sshpool"
	"sftpgate/remote/staging"
)

const copyData remotetest.Kind = "copy-data"

var refused = &remotetest.StatusError{Code: 8, Msg: "Operation unsupported"}

// A host is known before the first upload, and nothing is left there.
func TestChoiceBeforeAnyUpload(t *testing.T) {
	t.Parallel()
	sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{ForceCommand: "internal-sftp"})
	set, err := hosts.NewSet(sshd.Host("h"))
	if err != nil {
		t.Fatal(err)
	}
	links := sshpool.New(set, sshpool.Options{})
	defer links.Close()
	pool, _ := links.Host("h")
	h, engines := staging.New(pool, quiet), engine.NewSet()
	target, err := h.ResolveDir(t.Context(), sshd.Root)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := engines.Chosen(h, target.Root); ok {
		t.Error("an engine was chosen without a try")
	}
	choice, err := engines.Choose(t.Context(), h, target)
	if err != nil || choice.Engine != "copy-data" || !choice.Fallback || choice.Why["shell"] == "" || choice.Why["stream"] == "" {
		t.Errorf("%+v, %v", choice, err)
	}
	if left, err := os.ReadDir(sshd.Root); len(left) > 0 || err != nil {
		t.Errorf("left are %v, %v", left, err)
	}
	target.Root, target.Dir = target.Root+"/gone", target.Dir+"/gone"
	if _, err := engines.Choose(t.Context(), h, target); !errors.Is(err, fs.ErrNotExist) || errors.Is(err, engine.ErrNone) {
		t.Errorf("where there is no directory: %v", err)
	}
}

// All who ask at once share one try; later nothing is tried.
func TestChoiceIsSharedAndKept(t *testing.T) {
	t.Parallel()
	var tries atomic.Int32
	hold := make(chan struct{})
	d, u := onDisk(t, 1, func(op remotetest.Op) error {
		if op.Kind == copyData && tries.Add(1) == 1 {
			<-hold
		}
		return nil
	})
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() { u.wantChoice("copy-data") })
	}
	close(hold)
	wg.Wait()
	ops := len(d.Log())
	u.wantChoice("copy-data", "nothing faster works there", "No shell: ")
	if n := tries.Load(); n != 1 || len(d.Log()) != ops {
		t.Errorf("%d copies were tried, and %d operations came later", n, len(d.Log())-ops)
	}
}

// The one who tries gives up; those who wait for him do not.
func TestChoiceOfOneWhoGivesUp(t *testing.T) {
	t.Parallel()
	trying, hold := make(chan struct{}), make(chan struct{})
	var later atomic.Bool
	_, u := onDisk(t, 1, func(op remotetest.Op) error {
		if op.Kind == copyData && later.CompareAndSwap(false, true) {
			close(trying)
			<-hold
		}
		return nil
	})
	ctx, cancel := context.WithCancel(u.ctx)
	gone := make(chan error, 1)
	go func() { _, err := u.engines.Choose(ctx, u.Host(), u.Target()); gone <- err }()
	<-trying
	var wg sync.WaitGroup
	wg.Go(func() { u.wantChoice("copy-data") })
	cancel()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	wg.Wait()
	close(hold)
}

// An engine that fails later on is doubted, unless what it failed of says nothing about it.
func TestDoubt(t *testing.T) {
	t.Parallel()
	var denied atomic.Bool
	_, u := onDisk(t, 10, func(op remotetest.Op) error {
		if op.Kind == copyData && denied.Load() {
			return refused
		}
		return nil
	})
	e, err := u.engines.Open(u.ctx, u.Generation)
	u.check(err)
	chunk, part := u.commit(0, []byte("0123456789")), u.newPart()
	denied.Store(true)
	err = e.Copy(u.ctx, chunk.Path, chunk.Len, part, chunk.Off)
	if !errors.Is(err, engine.ErrCopy) {
		t.Fatalf("a copy that was refused: %v", err)
	}
	for _, other := range []error{&sshpool.Error{}, staging.ErrNoSpace, staging.ErrSuperseded} {
		e.Doubt(u.ctx, errors.Join(other, err))
		u.wantChoice("copy-data")
	}
	over, cancel := context.WithCancel(u.ctx)
	cancel()
	e.Doubt(over, err)
	u.wantChoice("copy-data")
	e.Doubt(u.ctx, err)
	u.wantChoice("stream", "Not copy-data: Self-test")
	u.check(e.Close())
}

// A copy that is not what it should be in any of its blocks.
func TestSelfTestReadsAllOfIt(t *testing.T) {
	t.Parallel()
	for at, told := range map[int64]string{0: "offset 12345 are not there", 65_536: "are not there", 131_072: "the end of it is not in the part"} {
		_, u := onDisk(t, 1, func(op remotetest.Op) error {
			for _, off := range []int64{1<<32 + 4_097, 12_345} {
				if op.Kind == remotetest.Write && op.Path2 != "" && op.Off == off+at {
					op.Data[1000] ^= 1 // as a broken disk would
				}
			}
			return nil
		})
		u.wantChoice("stream", "Not copy-data: Self-test", told)
	}
}

// A denied copy is tried again after a minute, and not before; if it is still
// denied, after longer and longer pauses.
func TestFallbackIsTriedAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var denied atomic.Bool
		denied.Store(true)
		var tries atomic.Int32
		_, u := onDisk(t, 1, func(op remotetest.Op) error {
			if op.Kind == copyData {
				tries.Add(1)
				if denied.Load() {
					return refused
				}
			}
			return nil
		})
		u.ctx = t.Context()
		u.wantChoice("stream", `Not copy-data: Self-test at offset 12345: `, "OpenSSH has since 9.0", "Operation unsupported")
		time.Sleep(59 * time.Second)
		u.wantChoice("stream")
		if n := tries.Load(); n != 1 {
			t.Errorf("%d tries", n)
		}
		for range 60 {
			time.Sleep(time.Minute)
			u.wantChoice("stream")
		}
		if n := tries.Load(); n < 7 || n > 9 { // after 1, 2, 4, 8 and then each 10 minutes
			t.Errorf("%d tries in an hour", n)
		}
		denied.Store(false)
		time.Sleep(10 * time.Minute)
		u.wantChoice("copy-data")
	})
}

// A host whose shell takes half a minute merges without it at first; once it has
// answered it is taken, also by the upload that was begun before.
func TestChoiceGoesOverToALateShell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, u := onDiskAt(t, sshpool.Options{}, "", 1, remotetest.ServerOptions{Shell: true, ShellTakes: 30 * time.Second})
		u.ctx = t.Context()
		began := time.Now()
		u.wantChoice("copy-data", "Not shell: The shell has not answered within 10s")
		if took := time.Since(began); took > 0 {
			t.Errorf("it was waited for once more, for %v", took)
		}
		time.Sleep(25 * time.Second)
		u.wantChoice("shell")
		e, err := u.engines.Open(u.ctx, u.Generation)
		u.check(err)
		if e.Name() != "shell" {
			t.Errorf("the upload is merged by %s", e.Name())
		}
		u.check(e.Close())
	})
}

// A server that takes the request and never answers costs half a minute, once.
func TestServerThatNeverAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, u := onDisk(t, 1, func(op remotetest.Op) error {
			if op.Kind == copyData {
				return remotetest.ErrDropReply
			}
			return nil
		})
		u.ctx = t.Context()
		began := time.Now()
		u.wantChoice("stream", "Not copy-data: Self-test", "its self-test did not finish within 30s")
		if took := time.Since(began); took > time.Minute {
			t.Errorf("it took %v", took)
		}
	})
}

// Only what hosts.yaml asks for now counts.
func TestChoiceUnderAnotherSetting(t *testing.T) {
	t.Parallel()
	sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	h := sshd.Host("h")
	first := newUpload(t, h, sshpool.Options{}, 1)
	first.wantChoice("shell")
	h.Engine = "copy-data"
	changed := &upload{Generation: newUploadNamed(t, h, "g", sshpool.Options{}, 1).Generation, t: t, ctx: first.ctx, engines: first.engines}
	if _, ok := changed.engines.Chosen(changed.Host(), changed.Target().Root); ok {
		t.Error("a choice under another setting is shown")
	}
	changed.wantChoice("copy-data", "hosts.yaml asks for copy-data.")
	if _, ok := first.engines.Chosen(first.Host(), first.Target().Root); ok {
		t.Error("a choice under another setting is shown")
	}
	first.wantChoice("shell")
}

// The upload is cancelled while the engines prove themselves in it: that says
// nothing about them, nor about another upload that waits for the outcome.
func TestUploadCancelledInTheSelfTest(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"copy-data", "stream"} {
		var u, other *upload
		var once sync.Once
		waits := make(chan error, 1)
		// So far away that there are more connections than the one that writes.
		_, u = onDiskAt(t, sshpool.Options{RTT: 50 * time.Millisecond}, name, 1, remotetest.ServerOptions{Gate: func(op remotetest.Op) error {
			if op.Kind == remotetest.Write && strings.Contains(op.Path, "/tmp-") && op.Off >= 12_345 {
				once.Do(func() {
					go func() { _, err := other.engines.Open(other.ctx, other.Generation); waits <- err }()
					if err := u.Remove(u.ctx); err != nil {
						t.Error(err)
					}
				})
			}
			return nil
		}})
		meta := u.State().Meta
		meta.ID = "other"
		other = &upload{Generation: u.createAt(u.Host(), u.named("other"), meta), t: t, ctx: u.ctx, engines: u.engines}
		if _, err := u.engines.Open(u.ctx, u.Generation); !errors.Is(err, staging.ErrSuperseded) || errors.Is(err, engine.ErrNone) {
			t.Errorf("%s: %v", name, err)
		}
		if err := <-waits; err != nil {
			t.Errorf("%s: the other upload: %v", name, err)
		}
		other.wantChoice(name)
	}
}

func (u *upload) named(name string) staging.Target {
	t := u.Target()
	t.Name = name
	return t
}

func TestNamesOfEngines(t *testing.T) {
	if got := engine.Names(); !slices.Equal(got, []string{hosts.EngineShell, hosts.EngineCopyData, hosts.EngineStream}) {
		t.Errorf("%v", got)
	}
}
