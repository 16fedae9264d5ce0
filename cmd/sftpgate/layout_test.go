package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// The rules of who may import whom stand in .golangci.yml, where depguard reads
// them. This test reads the same rules, so that they hold wherever tests run. It
// stands here because cmd is the one room that sees all others.

const module = "sftpgate"

// importRule is one depguard rule of the forms used in .golangci.yml.
type importRule struct {
	Mode  string   `yaml:"list-mode"`
	Files []string `yaml:"files"`
	Allow []string `yaml:"allow"`
	Deny  []struct {
		Pkg  string `yaml:"pkg"`
		Desc string `yaml:"desc"`
	} `yaml:"deny"`
}

func readRules(t *testing.T, root string) map[string]importRule {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, ".golangci.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		Linters struct {
			Settings struct {
				Depguard struct {
					Rules map[string]importRule `yaml:"rules"`
				} `yaml:"depguard"`
			} `yaml:"settings"`
		} `yaml:"linters"`
	}
	if err := yaml.Unmarshal(text, &config); err != nil {
		t.Fatal(err)
	}
	rules := config.Linters.Settings.Depguard.Rules
	for name, r := range rules {
		if r.Mode != "strict" || len(r.Files) != 2 || r.Files[1] != "!$test" || !strings.HasPrefix(r.Files[0], "**/") || !strings.HasSuffix(r.Files[0], "/*.go") {
			t.Errorf("rule %s is of a form that this test does not read: %+v", name, r)
		}
	}
	return rules
}

// governs reports whether the rule is for the package in dir, relative to the module.
func (r importRule) governs(dir string) bool {
	pattern := strings.TrimSuffix(strings.TrimPrefix(r.Files[0], "**/"), "/*.go")
	if below, deep := strings.CutSuffix(pattern, "/**"); deep {
		return strings.HasPrefix(dir, below+"/")
	}
	return dir == pattern
}

// allows is depguard's strict mode: allowed by prefix ("$" at the end: exactly),
// unless denied by one that is as long.
func (r importRule) allows(imported string) bool {
	allowed := -1
	for _, a := range r.Allow {
		if a == "$gostd" && !strings.Contains(strings.Split(imported, "/")[0], ".") && !within(imported, module) {
			allowed = max(allowed, 0)
		} else if prefixed(imported, a) {
			allowed = max(allowed, len(a))
		}
	}
	for _, d := range r.Deny {
		if prefixed(imported, d.Pkg) && len(d.Pkg) >= allowed {
			return false
		}
	}
	return allowed >= 0
}

func prefixed(imported, pattern string) bool {
	if exact, ok := strings.CutSuffix(pattern, "$"); ok {
		return imported == exact
	}
	return within(imported, pattern)
}

func within(imported, parent string) bool {
	return imported == parent || strings.HasPrefix(imported, parent+"/")
}

// importsOf lists for each directory below root what its files import, tests left out.
func importsOf(t *testing.T, root string) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && file != root && (strings.HasPrefix(name, ".") || name == "testdata" || name == "node_modules") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, file)
		dir := path.Dir(filepath.ToSlash(rel))
		for _, i := range parsed.Imports {
			imported, _ := strconv.Unquote(i.Path.Value)
			found[dir] = append(found[dir], imported)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestImportsGoOneWay(t *testing.T) {
	root := filepath.Join("..", "..")
	rules := readRules(t, root)
	imports := importsOf(t, root)
	for _, room := range []string{"cmd/sftpgate", "gateway", "gateway/web", "remote/staging", "remote/record"} {
		if _, seen := imports[room]; !seen {
			t.Errorf("%s was not looked at", room)
		}
	}
	for dir, imported := range imports {
		var mine []string
		for name, r := range rules {
			if !r.governs(dir) {
				continue
			}
			mine = append(mine, name)
			slices.Sort(imported)
			for _, i := range slices.Compact(imported) {
				if !r.allows(i) {
					t.Errorf("%s imports %s, which rule %s of .golangci.yml does not allow", dir, i, name)
				}
			}
		}
		if len(mine) != 1 {
			t.Errorf("%s is governed by the rules %v, not by one: say in .golangci.yml what it may import", dir, mine)
		}
	}
}

// The rules themselves hold back what they are there for.
func TestImportRulesBite(t *testing.T) {
	rules := readRules(t, filepath.Join("..", ".."))
	for name, forbidden := range map[string][]string{
		"gateway":  {"net/http", "net/http/httptest", "github.com/redis/go-redis/v9", "golang.org/x/crypto/ssh", "sftpgate/gateway/web", "sftpgate/remote/linkage"},
		"access":   {"net", "os", "sftpgate/gateway", "sftpgate/gateway/registry", "sftpgate/remote/sshpool", "sftpgate/remote/staging"},
		"ledger":   {"net", "os", "sftpgate/gateway", "sftpgate/remote/staging"},
		"limit":    {"net", "sftpgate/gateway", "sftpgate/remote/staging", "sftpgate/remote/hosts"},
		"dialect":  {"sftpgate/remote/staging", "sftpgate/gateway/registry", "sftpgate/gateway/dialect/tus"},
		"dialects": {"sftpgate/remote/staging", "sftpgate/gateway/registry", "sftpgate/gateway/dialect/tus"},
		"web":      {"sftpgate/gateway/api", "sftpgate/remote/sshpool"},
		"client":   {"sftpgate/gateway", "sftpgate/gateway/web", "sftpgate/remote/hosts"},
		"metrics":  {"sftpgate/gateway/registry", "sftpgate/gateway/api", "sftpgate/remote/staging"},
		"registry": {"sftpgate/remote/staging", "net/http"},
		"merge":    {"net", "sftpgate/remote/sshpool", "github.com/pkg/sftp", "sftpgate/gateway"},
		"engine":   {"net/http", "sftpgate/remote/merge", "sftpgate/gateway"},
		"staging":  {"sftpgate/remote/merge", "sftpgate/remote/merge/engine", "sftpgate/gateway"},
		"sshpool":  {"sftpgate/remote/staging"},
		"record":   {"os", "net", "sftpgate/remote/hosts"},
		"cmd":      {"sftpgate/remote/remotetest", "github.com/pkg/sftp"},
	} {
		for _, f := range forbidden {
			if rules[name].allows(f) {
				t.Errorf("rule %s lets %s through", name, f)
			}
		}
	}
	if !rules["dialects"].governs("gateway/dialect/tus") || rules["dialects"].governs("gateway/dialect") || rules["gateway"].governs("gateway/web") {
		t.Error("a rule governs the wrong room")
	}
}
