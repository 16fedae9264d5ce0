package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// The tests that the README and the documentation name, for promises, for each fault
// that is said to be survived and for what protocols demand, are there.
func TestPromisesAreTested(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	declared := map[string]bool{}
	declaration := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	err = filepath.WalkDir("../..", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() && e.Name() == "node_modules" {
			return fs.SkipDir
		}
		if !strings.HasSuffix(name, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(name)
		for _, found := range declaration.FindAllSubmatch(text, -1) {
			declared[string(found[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	tests := regexp.MustCompile("`((?:Test|Fuzz)\\w+)`")
	named := tests.FindAllSubmatch(readme, -1)
	if len(named) < 10 {
		t.Errorf("the README names %d tests", len(named))
	}
	docs, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(docs) == 0 {
		t.Errorf("no documentation: %v", err)
	}
	for _, name := range append(docs, "../../README.md") {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range tests.FindAllSubmatch(text, -1) {
			if !declared[string(n[1])] {
				t.Errorf("%s names %s, which is no test", name, n[1])
			}
		}
	}
	_, survived, _ := strings.Cut(string(readme), "\n### What is survived\n")
	survived, _, _ = strings.Cut(survived, "\n### ")
	rows := regexp.MustCompile(`(?m)^\| (\d+) \| .+ \| (.+) \|$`).FindAllStringSubmatch(survived, -1)
	for i, row := range rows {
		if row[1] != strconv.Itoa(i+1) || !tests.MatchString(row[2]) {
			t.Errorf("row %d of what is survived: %s", i+1, row[0])
		}
	}
	if len(rows) < 32 {
		t.Errorf("%d faults are said to be survived", len(rows))
	}
}
