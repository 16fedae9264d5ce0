package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var logKey = regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`) // as sloglint asks for

var logTable = regexp.MustCompile("(?ms)^\\| keys \\|.*?\n\n")

// A log key has one spelling and one meaning: those in the documentation are all there
// are, and all of them are used.
func TestDocsLogKeys(t *testing.T) {
	var told []string
	for _, found := range span.FindAllStringSubmatch(logTable.FindString(contentOf(t, "../../docs/operations.md")), -1) {
		told = append(told, found[1])
	}
	requests := []string{"method", "path", "status", "user", "client", "in", "out", "took", "code", "error", "broke_off"}
	used := map[string]token.Position{}
	for _, pattern := range []string{"*.go", "../../gateway/*.go", "../../gateway/*/*.go", "../../remote/*/*.go", "../../remote/*/*/*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			if !strings.HasSuffix(name, "_test.go") {
				logKeys(t, name, used)
			}
		}
	}
	for key, at := range used {
		if key != "event" && !slices.Contains(told, key) && !slices.Contains(requests, key) {
			t.Errorf("%v logs %q: use a key that docs/operations.md has, or add it there", at, key)
		}
	}
	for _, key := range told {
		if _, ok := used[key]; !ok {
			t.Errorf("docs/operations.md has the log key %q, which nothing logs", key)
		}
	}
	if len(used) < 20 {
		t.Errorf("only %d log keys were found", len(used))
	}
}

// logKeys adds the keys of the log calls in a file: literals at every second place.
func logKeys(t *testing.T, name string, used map[string]token.Position) {
	t.Helper()
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	first := map[string]int{"Debug": 1, "Info": 1, "Warn": 1, "Error": 1, "With": 0, "Log": 3}
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		method, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		from, ok := first[method.Sel.Name]
		if !ok {
			return true
		}
		for i := from; i+1 < len(call.Args); i += 2 {
			if literal, ok := call.Args[i].(*ast.BasicLit); ok && literal.Kind == token.STRING {
				if key, _ := strconv.Unquote(literal.Value); logKey.MatchString(key) { // else it is no call of slog
					used[key] = files.Position(literal.Pos())
				}
			}
		}
		return true
	})
}
