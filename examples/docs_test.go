package examples_test

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the examples into docs/uploaders.md")

// The documentation shows what runs here, all of it and nothing else.
func TestDocumentationShowsTheExamples(t *testing.T) {
	const name = "../docs/uploaders.md"
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]bool{}
	block := regexp.MustCompile("(?s)<!-- example: ([a-z-]+) -->\n```js\n(.*?)```\n")
	want := block.ReplaceAllStringFunc(string(text), func(found string) string {
		page := block.FindStringSubmatch(found)[1]
		shown[page] = true
		return "<!-- example: " + page + " -->\n```js\n" + exampleOf(t, page) + "```\n"
	})
	pages, _ := filepath.Glob("*.html")
	for _, page := range pages {
		if !shown[strings.TrimSuffix(page, ".html")] {
			t.Errorf("%s is not shown", page)
		}
	}
	switch {
	case *update:
		if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	case want != string(text):
		t.Errorf("%s does not show the pages as they are: go test ./examples -run TestDocumentation -update", name)
	}
}

func exampleOf(t *testing.T, page string) string {
	t.Helper()
	text, err := os.ReadFile(page + ".html")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "\n// begin example\n")
	snippet, _, ended := strings.Cut(after, "// end example\n")
	if !ended {
		t.Fatalf("%s has no example", page)
	}
	return snippet
}
