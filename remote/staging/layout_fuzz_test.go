package staging

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzNames reads any name that lies on a host, and makes names for any user and
// file: a number has one spelling, and what we make is what we know as ours.
func FuzzNames(f *testing.F) {
	f.Add("gen-17", "alice", "app.iso")
	f.Add("record.007", "../root/\x00", strings.Repeat("ü", 127))
	f.Add("part.-1", "名字🙂", "x~0123456789abcdef0123456789abcdef")
	f.Fuzz(func(t *testing.T, found, user, file string) {
		for _, prefix := range []string{genPrefix, recordPrefix, partPrefix} {
			n, ok := numbered(found, prefix)
			if ok && (n < 0 || prefix == recordPrefix && recordName(n) != found || prefix == genPrefix && genName(int(n)) != found) {
				t.Fatalf("%q is number %d", found, n)
			}
		}
		if dir := userDir(user); !ourUserDir.MatchString(dir) || strings.ContainsAny(dir, "/\x00\n") {
			t.Fatalf("the directory of %q is %q", user, dir)
		}
		if userDir(user) == userDir(user+"x") {
			t.Fatalf("%q shares its directory", user)
		}
		if file == "" || len(file) > maxName || strings.ContainsAny(file, "/\x00") {
			return
		}
		claim := claimName(file, maxName)
		if !IsStaging(claim) || len(claim) > maxName || utf8.ValidString(file) && !utf8.ValidString(claim) || claim == claimName(file+"x", maxName) {
			t.Fatalf("the claim of %q is %q", file, claim)
		}
	})
}

// FuzzAccounts reads any passwd(5) or group(5): a number is found only in a line
// of that very name, and whatever else stands in the file does not hide it.
func FuzzAccounts(f *testing.F) {
	f.Add("root:x:0:0:root:/root:/bin/sh\nwww-data:x:33:33::/:\n", "www-data")
	f.Add("a:x:-1\na:x:4294967296\n:x:0\n+::0:\n", "a")
	f.Fuzz(func(t *testing.T, text, name string) {
		id, ok := idIn(text, name)
		if ok && !strings.Contains("\n"+text, "\n"+name+":") {
			t.Fatalf("%q has number %d", name, id)
		}
		if strings.ContainsAny(name, ":\n") || ok {
			return
		}
		if id, ok := idIn(text+"\n"+name+":x:4242:7::/:\n", name); !ok || id != 4242 {
			t.Fatalf("%q has number %d, %v", name, id, ok)
		}
	})
}
