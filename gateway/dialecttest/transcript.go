package dialecttest

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Replay sends what the transcripts testdata/*.txt say a client sends, each to a site of
// its own, and compares the answers. Lines begin with
//
//	>   a request: its line, its headers, an empty line, its body
//	<   the answer: its status, then its body, in which … stands for anything
//	=   a file on the host and what is in it
//	!   a name that must not be there
//
// and all others are for the reader. A body's lines are joined with CRLF; {root} is
// the directory on the host.
func Replay(t *testing.T, routes Routes) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no transcripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			s := Start(t, routes)
			for _, step := range steps(strings.ReplaceAll(string(text), "{root}", s.Root)) {
				step.run(t, s)
			}
		})
	}
}

// step is a request and its answer, or what is looked at on the host.
type step struct {
	sent, wanted []string
	look         string
}

func steps(text string) (list []step) {
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		kind, rest := line[:min(1, len(line))], strings.TrimPrefix(line[min(1, len(line)):], " ")
		last := len(list) - 1
		switch kind {
		case ">":
			if last < 0 || len(list[last].sent) == 0 || len(list[last].wanted) > 0 {
				list, last = append(list, step{}), last+1
			}
			list[last].sent = append(list[last].sent, rest)
		case "<":
			list[last].wanted = append(list[last].wanted, rest)
		case "=", "!":
			list = append(list, step{look: line})
		}
	}
	return list
}

func (p step) run(t *testing.T, s *Site) {
	t.Helper()
	kind, rest, _ := strings.Cut(p.look, " ")
	name, content, _ := strings.Cut(rest, " ")
	switch kind {
	case "=":
		s.Wants(t, name, []byte(content))
		return
	case "!":
		if _, err := os.Lstat(filepath.Join(s.Root, name)); err == nil {
			t.Fatalf("%s is there", name)
		}
		return
	}
	a := Do(t, p.request(t, s), "")
	got := strings.TrimSpace(fmt.Sprintf("%d\n%s", a.Status, a.Text))
	want := strings.TrimSpace(strings.Join(p.wanted, "\n"))
	pattern := strings.ReplaceAll(regexp.QuoteMeta(want), "…", ".*")
	if !regexp.MustCompile("^(?s:" + pattern + ")$").MatchString(got) {
		t.Fatalf("%s\nwanted %s\ngot    %s", p.sent[0], want, got)
	}
}

func (p step) request(t *testing.T, s *Site) *http.Request {
	t.Helper()
	method, target, _ := strings.Cut(p.sent[0], " ")
	header := http.Header{}
	i := 1
	for ; i < len(p.sent) && p.sent[i] != ""; i++ {
		name, value, _ := strings.Cut(p.sent[i], ": ")
		header.Add(name, value)
	}
	body := strings.Join(p.sent[min(i+1, len(p.sent)):], "\r\n")
	r, err := http.NewRequest(method, s.URL+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = header
	return r
}
