package shell

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"sftpgate/remote/remotetest/await"
)

// grown is a part that copies fill while its beginning is hashed.
type grown struct {
	t           *testing.T
	copier      *Shell
	part, stamp string
	content     []byte
}

func grow(t *testing.T, a *account) (*grown, *Shell) {
	t.Helper()
	dir := t.TempDir()
	g := &grown{t: t, part: write(t, filepath.Join(dir, "part"), ""), stamp: filepath.Join(dir, "stamp")}
	g.copier, _ = a.start(t)
	if err := g.copier.Guard(await.Context(t), g.stamped()); err != nil {
		t.Fatalf("%s: %v", a.name, err)
	}
	follower, _ := a.start(t)
	return g, follower
}

func (g *grown) stamped() Part { return Part{Path: g.part, Stamp: g.stamp} }

// add copies n more bytes to the part.
func (g *grown) add(n int) (disturbed bool) {
	g.t.Helper()
	piece := make([]byte, n)
	for i := range piece {
		piece[i] = byte(i*11 + n)
	}
	source := write(g.t, filepath.Join(g.t.TempDir(), "piece"), string(piece))
	disturbed, err := g.copier.Copy(await.Context(g.t), await.Limit, source, g.stamped(), int64(len(g.content)))
	if err != nil {
		g.t.Fatal(err)
	}
	g.content = append(g.content, piece...)
	return disturbed
}

func TestFollowAGrowingFile(t *testing.T) {
	t.Parallel()
	for _, a := range accounts(t) {
		g, s := grow(t, a)
		g.add(100)
		f, err := s.Follow(await.Context(t), "sha256sum", g.part, g.stamp)
		if err != nil {
			t.Fatalf("%s: %v", a.name, err)
		}
		for _, n := range []int{0, 1, 1 << 20, 3<<20 + 17, 1<<20 - 1, 5} {
			if g.add(n) {
				t.Errorf("%s: its own copies count as a disturbance", a.name)
			}
			if n == 0 {
				n = 100
			}
			if err := f.Add(await.Context(t), int64(n)); err != nil {
				t.Fatalf("%s: add %d: %v", a.name, n, err)
			}
		}
		sum, err := f.Sum(await.Context(t))
		if want := fmt.Sprintf("%x", sha256.Sum256(g.content)); err != nil || sum != want {
			t.Errorf("%s: got %q, %v; want %s", a.name, sum, err, want)
		}
		// The shell is of use again.
		if text, err := s.Call(await.Context(t), "hash", "sha256sum", g.part); err != nil || text != sum {
			t.Errorf("%s: afterwards: %q, %v", a.name, text, err)
		}
	}
}

func TestFollowNoticesChanges(t *testing.T) {
	t.Parallel()
	for _, a := range accounts(t) {
		g, s := grow(t, a)
		g.add(5000)
		f, err := s.Follow(await.Context(t), "sha256sum", g.part, g.stamp)
		if err == nil {
			err = f.Add(await.Context(t), 5000)
		}
		if err != nil {
			t.Fatalf("%s: %v", a.name, err)
		}
		damage(t, g.part)
		if _, err := f.Sum(await.Context(t)); !errors.Is(err, ErrDisturbed) {
			t.Errorf("%s: a change after the last copy: %v", a.name, err)
		}
		if !g.add(10) {
			t.Errorf("%s: a copy does not see that the part was changed before it", a.name)
		}
		if g.add(10) {
			t.Errorf("%s: a change is told twice", a.name)
		}
	}
}

// Without touch, or when somebody takes the stamp away, nothing is vouched for.
func TestFollowNeedsItsStamp(t *testing.T) {
	t.Parallel()
	for _, a := range accounts(t) {
		g, s := grow(t, a)
		g.add(10)
		f, err := s.Follow(await.Context(t), "sha256sum", g.part, g.stamp)
		if err == nil {
			err = f.Add(await.Context(t), 10)
		}
		if err == nil {
			err = os.Remove(g.stamp)
		}
		if err != nil {
			t.Fatalf("%s: %v", a.name, err)
		}
		if _, err := f.Sum(await.Context(t)); !errors.Is(err, ErrDisturbed) {
			t.Errorf("%s: the stamp is gone: %v", a.name, err)
		}
		if !g.add(10) {
			t.Errorf("%s: a copy does not miss its stamp", a.name)
		}
		bare := newAccount(t, a.name, a.program)
		_ = os.Remove(filepath.Join(bare.bin, "touch"))
		s, _ = bare.start(t)
		if err := s.Guard(await.Context(t), Part{Path: g.part, Stamp: g.stamp + "2"}); err == nil {
			t.Errorf("%s: a stamp without touch", a.name)
		}
		if _, err := s.Follow(await.Context(t), "sha256sum", g.part, g.stamp+"2"); err == nil {
			t.Errorf("%s: a digest without a stamp", a.name)
		}
	}
}

func TestFollowWhatIsNotThere(t *testing.T) {
	t.Parallel()
	for _, a := range accounts(t) {
		s, _ := a.start(t)
		if _, err := s.Follow(await.Context(t), "sha256sum", "/nowhere/part", filepath.Join(t.TempDir(), "stamp")); err == nil {
			t.Errorf("%s: a file that is not there is followed", a.name)
		}
	}
}

func damage(t *testing.T, name string) {
	t.Helper()
	before, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	await.Until(t, "the clock of files to tick", func() bool {
		if _, err := f.WriteAt([]byte{0xff}, 100); err != nil {
			t.Fatal(err)
		}
		now, err := os.Stat(name)
		return err != nil || !now.ModTime().Equal(before.ModTime())
	})
}
