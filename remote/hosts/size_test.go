package hosts_test

import (
	"strings"
	"testing"

	"sftpgate/remote/hosts"
)

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "1048576": 1 << 20, "7B": 7, "64kB": 64000, "64KB": 64000, "64KiB": 64 << 10, "50MiB": 50 << 20,
		"50 MiB": 50 << 20, "1GB": 1e9, "2TiB": 2 << 40, "9223372036854775807": 1<<63 - 1, "8388607TiB": 8388607 << 40} {
		if got, err := hosts.ParseSize(text); err != nil || got != want {
			t.Errorf("%s: %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "MiB", "-1", "+1", "1.5GiB", "1e6", "50Mb", "50mib", "50M", "50  MiB", " 50", "50 ", "0x10", "٣", "9223372036854775808", "8388608TiB", "50MiB/s"} {
		if got, err := hosts.ParseSize(text); err == nil {
			t.Errorf("%q is taken for %d", text, got)
		}
	}
}

// A bandwidth without its unit would be next to nothing; it is found when the file is read.
func TestLimitsOfAHost(t *testing.T) {
	text := "defaults: {bandwidth: 10MB, max_bodies: 4}\nhosts:\n" +
		"  a: {address: h, user: u, key_file: /k, roots: [/r], known_hosts: /k}\n" +
		"  b: {address: h, user: u, key_file: /k, roots: [/r], known_hosts: /k, bandwidth: 0, max_bodies: 0}\n"
	set := parseFile(t, text)
	a, _ := set.Get("a")
	b, _ := set.Get("b")
	if a.Bandwidth != 10e6 || a.MaxBodies != 4 || b.Bandwidth != 0 || b.MaxBodies != 0 {
		t.Errorf("%+v %+v", a, b)
	}
	for _, c := range []struct{ was, now, want string }{
		{"10MB", "50", "hosts.yaml:1:12: host a: 50 bytes per second is too little: give at least 16KiB"},
		{"10MB", "tenMB", "hosts.yaml:1:23: bandwidth: \"tenMB\" is not a size"},
		{"max_bodies: 4", "max_bodies: -1", "hosts.yaml:1:41: max_bodies: must be a whole number from 0 to 100000"},
	} {
		if _, err := hosts.Parse("hosts.yaml", []byte(strings.Replace(text, c.was, c.now, 1))); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.now, err)
		}
	}
	if _, err := hosts.NewSet(hosts.Host{ID: "a", Address: "h", User: "u", KeyFile: "/k", KnownHosts: "/k", Roots: []string{"/r"}, Bandwidth: -1, MaxBodies: -1}); err == nil ||
		!strings.Contains(err.Error(), "per second is too little") || !strings.Contains(err.Error(), "max_bodies") {
		t.Error(err)
	}
}
