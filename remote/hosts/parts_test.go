package hosts_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"sftpgate/remote/hosts"
)

const longDefaults = "defaults: {user: u, agent: true, known_hosts: /k, roots: [/r]}\n"

// longFile has so many hosts, with comments among them, and defaults behind them.
func longFile(n int) string {
	var b strings.Builder
	b.WriteString("# all of them\nhosts:\n")
	for i := range n {
		fmt.Fprintf(&b, "  h%d: # the next\n    address: a%d\n    label: %d\n    tags:\n    - t\n# about h%d\n", i, i, i, i)
	}
	return b.String() + longDefaults
}

// A long file says what a short one does: every host, in its order, with the defaults.
func TestLongFile(t *testing.T) {
	const n = 1000
	all := parseFile(t, longFile(n)).All()
	if len(all) != n {
		t.Fatalf("%d hosts", len(all))
	}
	for i, h := range all {
		if want := fmt.Sprint(i); h.ID != "h"+want || h.Address != "a"+want || h.Label != want || h.User != "u" || len(h.Tags) != 1 {
			t.Fatalf("host %d: %+v", i, h)
		}
	}
}

// A mistake far down is told with its place, and as in a short file.
func TestFaultsOfALongFile(t *testing.T) {
	good := longFile(300)
	for name, c := range map[string]struct{ was, is, want string }{
		"unknown key":    {"address: a200", "adress: a200", `hosts.yaml:1204:5: unknown key "adress"`},
		"host twice":     {"h200:", "h3:", "hosts.yaml:1203:3: "},
		"indented less":  {"    address: a200", "   address: a200", `hosts.yaml:1204:13: there is a second ": " on this line`},
		"no host":        {"  h200:", "  - h200:", "hosts.yaml:1203:3: "},
		"anchor":         {"h200: #", "h200: &x #", "anchors are not supported"},
		"quotes open":    {"address: a200", `address: "a200`, "hosts.yaml:1204:14: the quotes are not closed"},
		"two documents":  {longDefaults, longDefaults + "---\nhosts: {}\n", "2 YAML documents"},
		"indented hosts": {"\n  h200:", "\n h200:", "hosts.yaml:1203:2: this line is indented differently"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := hosts.Parse("hosts.yaml", []byte(strings.Replace(good, c.was, c.is, 1))); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %.500v\nwant %s", err, c.want)
			}
		})
	}
}

// Four times the hosts take four times the memory: ten thousand of them are read at
// start and at every change of the file.
func TestLongFileTakesWhatItsLengthTakes(t *testing.T) {
	one, four := parseGarbage(t, 1000), parseGarbage(t, 4000)
	if four > 5*one {
		t.Errorf("1,000 hosts took %d KiB, 4,000 took %d", one>>10, four>>10)
	}
}

// parseGarbage is how many bytes are allocated to read a file with n hosts.
func parseGarbage(t *testing.T, n int) uint64 {
	t.Helper()
	text := longFile(n)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	parseFile(t, text)
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
