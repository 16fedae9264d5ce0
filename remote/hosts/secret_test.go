package hosts_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sftpgate/remote/hosts"
)

func TestSecretNeverPrints(t *testing.T) {
	h := hosts.Host{ID: "a", Password: hosts.NewSecret("hunter2"), Passphrase: hosts.NewSecret("hunter2")}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb+"\n", h)
		fmt.Fprintf(&out, verb+"\n", &h)
		fmt.Fprintf(&out, verb+"\n", h.Password)
	}
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "host", h, "secret", h.Password)
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "host", h, "secret", h.Password)
	if err := json.NewEncoder(&out).Encode(h); err != nil {
		t.Fatal(err)
	}
	if s := out.String(); strings.Contains(s, "hunter2") || strings.Contains(s, fmt.Sprintf("%x", "hunter2")) || !strings.Contains(s, "•••") {
		t.Fatal(s)
	}
	if _, err := hosts.Parse("h", []byte("hosts:\n  a: {address: h, password: hunter2, bogus: hunter2\n")); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Fatalf("%v", err)
	}
}

func TestReveal(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	write := func(s string) {
		if err := os.WriteFile(file, []byte(s), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	reveal := func(ref string) string {
		t.Helper()
		s, err := hosts.NewSecret(ref).Reveal()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	t.Setenv("LINK_SECRET", "from env")
	if s := reveal("env:LINK_SECRET"); s != "from env" {
		t.Error(s)
	}
	write("one \r\n")
	if s := reveal("file:" + file); s != "one " {
		t.Errorf("%q", s)
	}
	write("two")
	if s := reveal("file:" + file); s != "two" {
		t.Errorf("a rotated secret is not seen: %q", s)
	}
	write("\ufeffthree\r\n")
	if s := reveal("file:" + file); s != "three" {
		t.Errorf("%q: an editor's byte-order mark is no part of a secret", s)
	}
	if s := reveal("plain"); s != "plain" {
		t.Error(s)
	}
	write("\n")
	for _, ref := range []string{"env:LINK_SECRET_UNSET", "file:" + file, "file:" + file + "-none"} {
		if _, err := hosts.NewSecret(ref).Reveal(); err == nil {
			t.Errorf("%s: no error", ref)
		}
	}
}

// A password of digits is a string, with its leading zero.
func TestSecretOfDigits(t *testing.T) {
	set := parseFile(t, "hosts:\n  a: {address: h, user: u, password: 0123, roots: [/r], host_key: "+pinned+"}\n")
	h, _ := set.Get("a")
	if s, _ := h.Password.Reveal(); s != "0123" {
		t.Fatalf("%q", s)
	}
}
