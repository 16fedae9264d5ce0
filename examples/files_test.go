package examples_test

import (
	"bytes"
	"crypto/sha256"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// write makes a file of random bytes, which are others for each path.
func write(t *testing.T, path string, size int64) string {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	seed := sha256.Sum256([]byte(path))
	if _, err := io.CopyN(f, rand.NewChaCha8(seed), size); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// sum is a file's SHA-256.
func sum(t *testing.T, path string) []byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Error(err)
		return nil
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		t.Error(err)
	}
	return h.Sum(nil)
}

// same compares what arrived with what was sent.
func same(t *testing.T, arrived, sent string) {
	t.Helper()
	if !bytes.Equal(sum(t, arrived), sum(t, sent)) {
		t.Errorf("%s is not what was sent", arrived)
	}
}

// exact is for a page to call when it says that a file is done: at that moment it is at
// its place, as it was sent from a directory.
func (s *stage) exact(dir, source string) func(name string) {
	return func(name string) { same(s.t, filepath.Join(dir, name), filepath.Join(source, name)) }
}

// alone: nothing stands in a directory but these.
func alone(t *testing.T, dir string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		known := false
		for _, n := range names {
			known = known || e.Name() == n
		}
		if !known {
			t.Errorf("%s is left in %s", e.Name(), dir)
		}
	}
}
