package registry

import (
	"strings"
	"testing"

	"sftpgate/gateway"
)

// Values of another release or kind are refused in words, never guessed at.
func TestUnreadableValues(t *testing.T) {
	later := func(value []byte, err error) []byte {
		must(t, "encode", err)
		return []byte(strings.Replace(string(value), `"v":1`, `"v":2`, 1))
	}
	entry := func(value []byte) error { _, err := decodeEntry(value); return err }
	claim := func(value []byte) error { _, err := decodeClaim(value); return err }
	for what, c := range map[string]struct {
		err  error
		says string
	}{
		"later claim":   {claim(later(encodeClaim(newClaim("alice")))), "version 2"},
		"later entry":   {entry(later(encodeEntry(newEntry("alice")))), "version 2"},
		"cut entry":     {entry([]byte(`{"v":1,"upload":{"id":`)), "damaged"},
		"no version":    {claim([]byte(`{}`)), "damaged: it has version 0"},
		"short digest":  {entry([]byte(`{"v":1,"upload":{"id":"u1","sha256":"abcd"}}`)), "u1"},
		"nested digest": {entry([]byte(`{"v":1,"upload":{"id":"u1","error":{"upload":{"id":"u2","sha256":"x"}}}}`)), "u2"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.says) {
			t.Errorf("%s: %v, want an error with %q", what, c.err, c.says)
		}
	}
}

// One entry of another release does not hide the rest of a list.
func TestUnreadableEntryInList(t *testing.T) {
	good, err := encodeEntry(newEntry("alice"))
	must(t, "encode", err)
	others, err := encodeEntry(newEntry("bob"))
	must(t, "encode", err)
	if got := ofUser("alice", [][]byte{[]byte(`{"v":2}`), good, others}); len(got) != 1 {
		t.Errorf("got %d entries, want the one of alice", len(got))
	}
}

// An error can lead back to its own upload: that must end.
func TestEntryWithCircle(t *testing.T) {
	e := newEntry("alice")
	u := e.Upload
	u.Error = &gateway.Error{Code: gateway.DifferentFile, Upload: &u}
	e.Upload = u
	value, err := encodeEntry(e)
	must(t, "encode", err)
	got, err := decodeEntry(value)
	must(t, "decode", err)
	if got.Upload.Error.Upload.ID != u.ID || got.Upload.Error.Upload.Error != nil {
		t.Errorf("got %+v", got.Upload.Error.Upload)
	}
}
