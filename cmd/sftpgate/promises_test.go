package main

import (
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var testName = regexp.MustCompile("`((?:Test|Fuzz)\\w+)`")

// The tests that the documentation names, for promises, for each fault that is said to
// be survived and for what protocols demand, are there.
func TestPromisesAreTested(t *testing.T) {
	declared := map[string]bool{}
	declaration := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	err := filepath.WalkDir("../..", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() && e.Name() == "node_modules" {
			return fs.SkipDir
		}
		if strings.HasSuffix(name, "_test.go") {
			for _, found := range declaration.FindAllStringSubmatch(contentOf(t, name), -1) {
				declared[found[1]] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range documents(t) {
		for _, n := range testName.FindAllStringSubmatch(contentOf(t, name), -1) {
			if !declared[n[1]] {
				t.Errorf("%s names %s, which is no test", name, n[1])
			}
		}
	}
	if n := len(testName.FindAllString(contentOf(t, "../../docs/guarantees.md"), -1)); n < 10 {
		t.Errorf("the guarantees name %d tests", n)
	}
	rows := regexp.MustCompile(`(?m)^\| (\d+) \| .+ \| (.+) \|$`).FindAllStringSubmatch(contentOf(t, "../../docs/fault-matrix.md"), -1)
	for i, row := range rows {
		if row[1] != strconv.Itoa(i+1) || !testName.MatchString(row[2]) {
			t.Errorf("row %d of the fault matrix: %s", i+1, row[0])
		}
	}
	if len(rows) < 32 {
		t.Errorf("%d faults are said to be survived", len(rows))
	}
}
