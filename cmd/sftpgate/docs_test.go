package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"sftpgate/remote/hosts"
)

// documents are what people read, by their paths from here.
func documents(t *testing.T) []string {
	t.Helper()
	all, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(all) == 0 {
		t.Fatalf("no documentation: %v", err)
	}
	return append(all, "../../README.md", "../../CONTRIBUTING.md", "../../SECURITY.md", "../../CHANGELOG.md")
}

func contentOf(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Whoever meets the project reads the README whole.
func TestReadmeIsShort(t *testing.T) {
	const most = 8192
	if n := len(contentOf(t, "../../README.md")); n > most {
		t.Errorf("README.md has %d bytes, more than %d: move what is too much to docs", n, most)
	}
}

var (
	fenced   = regexp.MustCompile("(?ms)^```.*?^```$")
	span     = regexp.MustCompile("`([^`\n]+)`")
	mdLink   = regexp.MustCompile(`\]\(([^()\s]+)\)`)
	heading  = regexp.MustCompile(`(?m)^#+ (.+)$`)
	unlinked = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
)

// Links within the repository lead somewhere, and so do their anchors.
func TestDocsLinksLeadSomewhere(t *testing.T) {
	for _, name := range documents(t) {
		prose := span.ReplaceAllString(fenced.ReplaceAllString(contentOf(t, name), ""), "")
		for _, found := range mdLink.FindAllStringSubmatch(prose, -1) {
			if strings.Contains(found[1], "://") {
				continue
			}
			path, anchor, anchored := strings.Cut(found[1], "#")
			to := name
			if path != "" {
				to = filepath.Join(filepath.Dir(name), path)
			}
			if !exists(to) {
				t.Errorf("%s links to %s, which is not there", name, found[1])
			} else if anchored && !slices.Contains(anchors(contentOf(t, to)), anchor) {
				t.Errorf("%s links to %s, and there is no such heading", name, found[1])
			}
		}
	}
}

// anchors are the headings of a document as GitHub names them.
func anchors(text string) (all []string) {
	for _, h := range heading.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
		all = append(all, strings.ReplaceAll(unlinked.ReplaceAllString(strings.ToLower(h[1]), ""), " ", "-"))
	}
	return all
}

// Each hosts.yaml that the documentation shows can be used.
func TestDocsHostsAreRead(t *testing.T) {
	yaml, read := regexp.MustCompile("(?s)```yaml\n(.*?)```"), 0
	for _, name := range documents(t) {
		for _, block := range yaml.FindAllStringSubmatch(contentOf(t, name), -1) {
			if _, err := hosts.Parse(name, []byte(block[1])); err != nil {
				t.Error(err)
			}
			read++
		}
	}
	if read == 0 {
		t.Error("no document shows a hosts.yaml")
	}
}

var (
	making  = regexp.MustCompile(`(?:^|&& )make ([a-z][a-z-]*)`)
	target  = regexp.MustCompile(`(?m)^([a-z][a-z-]*):`)
	calling = regexp.MustCompile(`(?:^| |bin/)sftpgate ([a-z]+.*)`)
	aFlag   = regexp.MustCompile(`^--([a-z][a-z-]*)`)
)

// Targets of make, commands and flags that the documentation names are there.
func TestDocsNameWhatIsThere(t *testing.T) {
	var targets []string
	for _, found := range target.FindAllStringSubmatch(contentOf(t, "../../Makefile"), -1) {
		targets = append(targets, found[1])
	}
	model := grammar(t)
	for _, name := range documents(t) {
		text := strings.ReplaceAll(contentOf(t, name), "\\\n", "") // a command over several lines
		var code []string
		for _, found := range span.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
			code = append(code, found[1])
			if f := aFlag.FindStringSubmatch(found[1]); f != nil && !hasFlag(model, f[1], true) {
				t.Errorf("%s names the flag --%s, which there is not", name, f[1])
			}
		}
		for _, block := range fenced.FindAllString(text, -1) {
			code = append(code, strings.Split(block, "\n")...)
		}
		for _, line := range code {
			for _, found := range making.FindAllStringSubmatch(line, -1) {
				if !slices.Contains(targets, found[1]) {
					t.Errorf("%s names make %s, which there is not", name, found[1])
				}
			}
			if call := calling.FindStringSubmatch(line); call != nil {
				if wrong := misspelt(model, strings.Fields(call[1])); wrong != "" {
					t.Errorf("%s: %q: there is no %s", name, line, wrong)
				}
			}
		}
	}
}

// grammar is the command line as --help knows it.
func grammar(t *testing.T) *kong.Node {
	t.Helper()
	parser, err := kong.New(&commands{}, kong.Vars{"version": "", "listen": defaultListen, "bodies": "1"}, lengthsOfTime())
	if err != nil {
		t.Fatal(err)
	}
	return parser.Model.Node
}

// misspelt is the first word of a call, from the command on, that the command line does
// not know; "" where it knows all.
func misspelt(node *kong.Node, words []string) string {
	for i, word := range words {
		if word == "help" && i == 0 {
			continue
		}
		if len(node.Children) > 0 && !strings.HasPrefix(word, "-") {
			at := slices.IndexFunc(node.Children, func(n *kong.Node) bool { return n.Name == word })
			if at < 0 {
				return "command " + word
			}
			node = node.Children[at]
		} else if f := aFlag.FindStringSubmatch(word); f != nil && !hasFlag(node, f[1], false) {
			return "flag --" + f[1] + " of " + node.Name
		}
	}
	return ""
}

// hasFlag reports whether the command or those above it have the flag; with below set,
// whether any command has it.
func hasFlag(node *kong.Node, name string, below bool) bool {
	if slices.ContainsFunc(node.Flags, func(f *kong.Flag) bool { return f.Name == name }) {
		return true
	}
	if below {
		return slices.ContainsFunc(node.Children, func(n *kong.Node) bool { return hasFlag(n, name, true) })
	}
	return node.Parent != nil && hasFlag(node.Parent, name, false)
}
