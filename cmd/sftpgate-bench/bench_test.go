package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// tiny has the shape of the real ones and takes seconds.
var tiny = sizes{name: "tiny", oneWay: 2 * time.Millisecond, chunk: 128 * kib, bulk: mib, far: mib, finish: []int64{mib},
	small: 8, farSmall: 4, smallOne: 10 * kib, crowd: 3, crowdOne: mib, little: 2 * mib, large: 3 * mib, synced: 2}

// One run of everything: each row has a figure, nothing fails, and nothing is left.
func TestEveryRowYieldsAFigure(t *testing.T) {
	dir := t.TempDir()
	gateway := filepath.Join(dir, "sftpgate")
	if out, err := exec.Command("go", "build", "-buildvcs=false", "-tags=failpoints", "-ldflags=-w", "-o", gateway, "../sftpgate").CombinedOutput(); err != nil {
		t.Fatalf("build sftpgate: %v\n%s", err, out)
	}
	f := flags{Gateway: gateway, Dir: quietDisk(t), JSON: filepath.Join(dir, "bench.json"),
		SVG: filepath.Join(dir, "bench.svg"), Profiles: filepath.Join(dir, "profiles")}
	before := len(descendants(os.Getpid()))
	p := plan{size: tiny, rows: allRows(tiny), rounds: 1}
	var out, errs bytes.Buffer
	if err := f.measure(t.Context(), p, &out, &errs); err != nil {
		t.Fatalf("%v\n%s", err, errs.String())
	}
	var r report
	text, err := os.ReadFile(f.JSON)
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Rows) != len(p.rows) {
		t.Errorf("%d rows of %d are in the JSON", len(r.Rows), len(p.rows))
	}
	for _, row := range r.Rows {
		// What took less processor time than can be counted is no ratio; here it is that little.
		// And what lies in memory is written to no disk.
		little := strings.Contains(row.Name, "cpu") || row.Name == "written" || row.Unit == "count"
		if row.Value <= 0 && !little || row.Ours.Turns == 0 {
			t.Errorf("the row %s has no figure: %+v", row.Name, row)
		}
		if !strings.Contains(out.String(), row.Name) {
			t.Errorf("the row %s is not in the table", row.Name)
		}
	}
	wellFormed(t, f.SVG)
	if _, err := os.Stat(filepath.Join(f.Profiles, "near-chunks.pprof")); err != nil {
		t.Error(err)
	}
	if left, _ := os.ReadDir(f.Dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if now := len(descendants(os.Getpid())); now > before {
		t.Errorf("%d processes are left running", now-before)
	}
}

// quietDisk is a directory in memory, where there is one: how fast the disk is
// does not matter here, and what else it does would.
func quietDisk(t *testing.T) string {
	dir, err := os.MkdirTemp("/dev/shm", "sftpgate-bench-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func wellFormed(t *testing.T, name string) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	bars := 0
	for d := xml.NewDecoder(f); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "rect" {
			bars++
		}
	}
	if bars != 7 { // the rows that are held against scp
		t.Errorf("the chart has %d bars", bars)
	}
}

func TestCommandLine(t *testing.T) {
	for _, c := range []struct {
		args   string
		status int
		says   string
	}{
		{"-list -quick -rows far-.*", 0, "far-small"},
		{"--rows nothing", 2, "--list"},
		{"-rows (", 2, "--rows"},
		{"-rounds -1", 2, "rounds"},
		{"-gateway /nowhere/sftpgate -rows fsync", 1, "make build"},
	} {
		var out bytes.Buffer
		if status := Run(t.Context(), strings.Fields(c.args), &out, &out); status != c.status || !strings.Contains(out.String(), c.says) {
			t.Errorf("%s: status %d, %q", c.args, status, out.String())
		}
	}
}
