package page_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// write makes a file of random bytes, which are others for each path.
func write(t *testing.T, path string, size int64) string {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	block := make([]byte, mib)
	_, _ = rand.NewChaCha8(sha256.Sum256([]byte(path))).Read(block)
	for at := int64(0); at < size; at += mib {
		binary.LittleEndian.PutUint64(block, uint64(at))
		if _, err := f.Write(block[:min(mib, size-at)]); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// sparse makes a file that is large, and of zeros.
func sparse(t *testing.T, path string, size int64) string {
	t.Helper()
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, size); err != nil {
		t.Fatal(err)
	}
	return path
}

// sum is a file's SHA-256.
func sum(t *testing.T, path string) string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// arrived: what was sent is at its place.
func (v *visit) arrived(sent string) {
	v.t.Helper()
	if path := filepath.Join(v.dir, filepath.Base(sent)); sum(v.t, path) != sum(v.t, sent) {
		v.t.Errorf("%s is not what was sent", path)
	}
}

// holds: in the directory are these and nothing else.
func (v *visit) holds(names ...string) {
	v.t.Helper()
	if got := listed(v.t, v.dir); !slices.Equal(got, names) {
		v.t.Errorf("%s holds %q", v.dir, got)
	}
}

func listed(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// put has a file stand on the host.
func (v *visit) put(name, text string) {
	v.t.Helper()
	if err := os.WriteFile(filepath.Join(v.dir, name), []byte(text), 0o600); err != nil {
		v.t.Fatal(err)
	}
}

// is: a file on the host holds this text.
func (v *visit) is(name, text string) {
	v.t.Helper()
	if got, err := os.ReadFile(filepath.Join(v.dir, name)); err != nil || !bytes.Equal(got, []byte(text)) {
		v.t.Errorf("%s holds %.40q: %v", name, got, err)
	}
}

// missing: there is no such file on the host.
func (v *visit) missing(name string) {
	v.t.Helper()
	if _, err := os.Lstat(filepath.Join(v.dir, name)); !os.IsNotExist(err) {
		v.t.Errorf("%s is there: %v", name, err)
	}
}

func mkdir(t *testing.T, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
}
