package examples_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Each page has one example in it, which the documentation shows.
func TestPagesHaveAnExample(t *testing.T) {
	pages, _ := filepath.Glob("*.html")
	if len(pages) < 12 {
		t.Errorf("there are %d pages", len(pages))
	}
	for _, name := range pages {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		_, after, begun := strings.Cut(string(text), "\n// begin example\n")
		snippet, _, ended := strings.Cut(after, "\n// end example\n")
		if !begun || !ended || strings.Contains(snippet, " example\n") {
			t.Errorf("%s: its example does not stand between two marks", name)
		}
		for _, c := range []string{"gate", "place"} {
			if _, err := constant([]byte(snippet), c, "x"); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// constant gives one of a page's constants another value: JSON as it is, or a string.
func constant(text []byte, name, value string) ([]byte, error) {
	if !json.Valid([]byte(value)) {
		value = strconv.Quote(value)
	}
	line := regexp.MustCompile(`(?m)^const ` + regexp.QuoteMeta(name) + ` = .*?;`)
	if n := len(line.FindAll(text, -1)); n != 1 {
		return nil, fmt.Errorf("there are %d constants %s", n, name)
	}
	return line.ReplaceAllLiteral(text, []byte("const "+name+" = "+value+";")), nil
}
