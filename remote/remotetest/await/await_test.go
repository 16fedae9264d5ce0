package await_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sftpgate/remote/remotetest/await"
)

// failing is a test that may fail: it keeps what it said, and its goroutine ends.
type failing struct {
	testing.TB
	said string
}

func (f *failing) Helper() {}

func (f *failing) Fatalf(format string, args ...any) {
	f.said = fmt.Sprintf(format, args...)
	panic(f)
}

// said is what a test failed with; "" when it did not.
func said(test func(t testing.TB)) string {
	f := &failing{}
	func() {
		defer func() { _ = recover() }()
		test(f)
	}()
	return f.said
}

func TestWaitsEndByTheEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		await.Until(t, "a minute to pass", func() bool { return time.Since(began) >= time.Minute })
		if took := time.Since(began); took > time.Minute+time.Second {
			t.Errorf("an event after a minute was seen after %v", took)
		}
		ch := make(chan int)
		time.AfterFunc(time.Minute, func() { ch <- 7 })
		if got := await.Receive(t, "a number", ch); got != 7 {
			t.Errorf("received %d", got)
		}
		close(ch)
		if got := await.Receive(t, "the end", ch); got != 0 {
			t.Errorf("received %d of a closed channel", got)
		}
	})
}

func TestHangsAreNamed(t *testing.T) {
	for name, wait := range map[string]func(t testing.TB){
		"until":   func(t testing.TB) { await.Until(t, "godot", func() bool { return false }) },
		"receive": func(t testing.TB) { await.Receive(t, "godot", make(chan int)) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				text := said(wait)
				if !strings.Contains(text, "still waiting for godot") || !strings.Contains(text, "goroutine ") {
					t.Errorf("it said %q", text)
				}
				if took := time.Since(began); took < await.Limit || took > await.Limit+time.Second {
					t.Errorf("it waited %v", took)
				}
			})
		})
	}
}

func TestContextOutlivesTheTestsOwn(t *testing.T) {
	t.Run("a test", func(t *testing.T) {
		ctx := await.Context(t)
		t.Cleanup(func() { // when t.Context has ended
			if t.Context().Err() == nil || ctx.Err() != nil {
				t.Errorf("in the clean-up: %v, %v", t.Context().Err(), ctx.Err())
			}
		})
	})
}

func TestScaledIsSteady(t *testing.T) {
	if a, b := await.Scaled(time.Second), await.Scaled(2*time.Second); a < 3*time.Second || a > 16*time.Second || b != 2*a {
		t.Errorf("a second is %v, two are %v", a, b)
	}
}
