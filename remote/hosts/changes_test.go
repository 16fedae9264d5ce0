package hosts_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"sftpgate/remote/hosts"
)

// without are the keys that change nothing about a host's connections.
var without = []string{"Label", "Roots", "Tags", "Connections", "Engine", "NoReadBack", "Bandwidth", "MaxBodies", "Owner", "Group", "Mode"}

// Every key either belongs to how a host is reached or is known not to.
func TestAccessHasAllThatConnectionsDependOn(t *testing.T) {
	kind := reflect.TypeFor[hosts.Host]()
	for i := range kind.NumField() {
		var h hosts.Host
		switch f := reflect.ValueOf(&h).Elem().Field(i); f.Interface().(type) {
		case string:
			f.SetString("x")
		case int, int64:
			f.SetInt(7)
		case bool:
			f.SetBool(true)
		case hosts.Secret:
			f.Set(reflect.ValueOf(hosts.NewSecret("x")))
		case []string:
			f.Set(reflect.ValueOf([]string{"x"}))
		default:
			f.Set(reflect.New(f.Type().Elem()))
		}
		name := kind.Field(i).Name
		if seen := h.Access() != (hosts.Host{}).Access(); seen == slices.Contains(without, name) {
			t.Errorf("%s: connections depend on it: %v", name, seen)
		}
	}
}

func TestChanges(t *testing.T) {
	text := func(hosts string) string {
		return "defaults: {user: u, agent: true, host_key: " + pinned + ", roots: [/r]}\nhosts:\n" + hosts
	}
	old := parseFile(t, text("  a: {address: h, mode: 0644, tags: [x]}\n  b: {address: h}\n  c: {address: h}\n  hop: {address: h, roots: []}\n  d: {address: h, jump: hop}\n"))
	for _, c := range []struct{ text, want string }{
		{"  c: {address: h}\n  a: {address: h, mode: 644, tags: [x]}\n  b: {address: h}\n  hop: {address: h, roots: []}\n  d: {address: h, jump: hop}\n", "{[] [] []}"},
		{"  e: {address: h}\n  a: {address: h, mode: 0640, tags: [x]}\n  b: {address: h, tags: [y]}\n  hop: {address: i, roots: []}\n  d: {address: h, jump: hop}\n", "{[e] [c] [a b hop]}"},
	} {
		got := old.Changes(parseFile(t, text(c.text)))
		if fmt.Sprint(got) != c.want || got.None() != (c.want == "{[] [] []}") {
			t.Errorf("%v, want %s", got, c.want)
		}
	}
}

func TestWay(t *testing.T) {
	set := parseFile(t, "defaults: {user: u, agent: true, address: h, host_key: "+pinned+"}\nhosts:\n  a: {jump: b, roots: [/r]}\n  b: {jump: c}\n  c: {}\n")
	a, _ := set.Get("a")
	way := set.Way(a)
	if len(way) != 2 || way[0].ID != "b" || way[1].ID != "c" {
		t.Errorf("%v", way)
	}
}

// The same text means another thing once others can read it.
func TestSameText(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hosts.yaml")
	read := func(data string, mode os.FileMode) hosts.Text {
		t.Helper()
		if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		text, err := hosts.Read(path)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	first := read("a", 0o600)
	if !first.Same(read("a", 0o400)) || first.Same(read("b", 0o600)) || first.Same(read("a", 0o644)) {
		t.Error("a change is missed, or seen where there is none")
	}
}
