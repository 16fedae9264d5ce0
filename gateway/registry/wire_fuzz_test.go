package registry

import (
	"bytes"
	"reflect"
	"testing"
	"time"
	"unicode/utf8"

	"sftpgate/gateway"
)

// FuzzClaim reads anything that may stand in a slot, and writes any claim: what
// is read can be written and reads the same, and no two users become one.
func FuzzClaim(f *testing.F) {
	value, err := encodeClaim(newClaim("alice"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(value, "alice", "/srv/files/a b", "token")
	f.Add([]byte(`{"v":1,"token":"t"}`), "名字", "/srv/\"\\\u2028<>", "")
	f.Add([]byte(`{"v":2}`), "\xff", "/a\x00", "t")
	f.Fuzz(func(t *testing.T, value []byte, user, path, token string) {
		if c, err := decodeClaim(value); err == nil {
			again, err := encodeClaim(c)
			if err != nil {
				t.Fatalf("what was read cannot be written: %v", err)
			}
			if back, err := decodeClaim(again); err != nil || !back.Since.Equal(c.Since) {
				t.Fatalf("%v, %v became %v", err, c, back)
			} else if back.Since = c.Since; back != c {
				t.Fatalf("%+v became %+v", c, back)
			}
			if shown, err := tokenOf(value); err != nil || shown != c.Token {
				t.Fatalf("the token %q is also %q, %v", c.Token, shown, err)
			}
		}
		c := gateway.Claim{Token: token, ID: "i", User: user, Host: "web-1", Path: path, Generation: len(path), Since: time.UnixMilli(int64(len(value))).UTC()}
		written, err := encodeClaim(c)
		if (err == nil) != (utf8.ValidString(user) && utf8.ValidString(path) && utf8.ValidString(token)) {
			t.Fatalf("%+v: %v", c, err)
		}
		if err != nil {
			return
		}
		if back, err := decodeClaim(written); err != nil || back != c {
			t.Fatalf("%v: %+v became %+v", err, c, back)
		}
	})
}

// FuzzEntry reads anything that may stand in the index: what is read can be
// written and reads the same again, it is in the list of its own user alone.
func FuzzEntry(f *testing.F) {
	e := newEntry("alice")
	e.Upload.Error = &gateway.Error{Code: gateway.TargetExists, Existing: &gateway.Existing{Size: 5, ETag: `"5-6"`},
		Upload: &gateway.Upload{ID: "other"}, Missing: [][2]int64{{0, 5}}}
	e.Upload.Digest, e.Passes = new(gateway.Digest), []string{"hash"}
	value, err := encodeEntry(e)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(value)
	f.Add([]byte(`{"v":1,"upload":{"id":"u","sha256":"00"}}`))
	f.Fuzz(func(t *testing.T, value []byte) {
		e, err := decodeEntry(value)
		if err != nil || e.Upload.ID == "" {
			return
		}
		written, err := encodeEntry(e)
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		back, err := decodeEntry(written)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		if again, err := encodeEntry(back); err != nil || !bytes.Equal(again, written) {
			t.Fatalf("it changes each time it is written (%v):\n%s\n%s", err, written, again)
		}
		if back.Key != e.Key || back.Ended != e.Ended || back.Pending != e.Pending || !equal(back.Passes, e.Passes) ||
			!equal(back.Aliases, e.Aliases) || back.Upload.User != e.Upload.User || !reflect.DeepEqual(back.Upload.Digest, e.Upload.Digest) {
			t.Fatalf("%+v became %+v", e, back)
		}
		if n := len(ofUser(e.Upload.User, [][]byte{value, []byte("{}")})); n != 1 {
			t.Fatalf("its user sees it %d times", n)
		}
		if n := len(ofUser(e.Upload.User+"x", [][]byte{value})); n != 0 {
			t.Fatal("another user sees it")
		}
	})
}

func equal(a, b []string) bool { return len(a) == 0 && len(b) == 0 || reflect.DeepEqual(a, b) }
