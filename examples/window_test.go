package examples_test

import (
	"slices"
	"strings"
	"sync"
	"testing"

	wait "sftpgate/remote/remotetest/await"
)

// window is a browser that somebody opened; what pages store in it ends with it.
type window struct {
	b  *browser
	id int
}

func (b *browser) window(t *testing.T) *window {
	t.Helper()
	w := &window{b: b}
	b.ask(t, "window", nil, &w.id)
	t.Cleanup(func() { b.ask(t, "close", map[string]any{"window": w.id}, nil) })
	return w
}

// page is one that is open, and what it shows.
type page struct {
	t    *testing.T
	b    *browser
	id   int
	done func(name string) // called at once when the page says that a file is done

	mu     sync.Mutex
	items  map[string]answer
	broken bool // a script has thrown what nobody caught
}

// open loads a page, which is closed with the test.
func (w *window) open(t *testing.T, url string, done func(name string)) *page {
	t.Helper()
	p := &page{t: t, b: w.b, done: done, items: map[string]answer{}}
	w.b.ask(t, "open", map[string]any{"window": w.id, "url": url}, &p.id)
	w.b.mu.Lock()
	w.b.pages[p.id] = p
	w.b.mu.Unlock()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the page shows %v and said:\n%s", p.shown(), strings.Join(p.said(), "\n"))
		}
		p.leave()
	})
	return p
}

// said is what stands on the browser's console.
func (p *page) said() (lines []string) {
	p.b.ask(p.t, "said", map[string]any{"page": p.id}, &lines)
	return lines
}

// leave closes the page, and nothing else.
func (p *page) leave() { p.t.Helper(); p.b.ask(p.t, "leave", map[string]any{"page": p.id}, nil) }

// pick has somebody choose these files.
func (p *page) pick(input string, files ...string) {
	p.t.Helper()
	p.b.ask(p.t, "pick", map[string]any{"page": p.id, "input": input, "files": files}, nil)
}

func (p *page) shows(a answer) {
	if a.State == "done" && p.done != nil {
		p.done(a.Name)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if a.State == "" {
		p.broken = true
		p.t.Errorf("the page has broken: %s", a.Text)
		return
	}
	p.items[a.Name] = a
}

func (p *page) hasBroken() bool { p.mu.Lock(); defer p.mu.Unlock(); return p.broken }

// state is what a file's line shows; "" when it has none.
func (p *page) state(name string) (state, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.items[name].State, p.items[name].Text
}

func (p *page) shown() (lines []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, a := range p.items {
		lines = append(lines, a.State+": "+a.Text)
	}
	slices.Sort(lines)
	return lines
}

// until waits for files to end, and in this state.
func (p *page) until(state string, names ...string) {
	p.t.Helper()
	for _, name := range names {
		var is, text string
		wait.Until(p.t, name+" to be "+state, func() bool {
			is, text = p.state(name)
			return is == "done" || is == "failed" || p.hasBroken()
		})
		if is != state {
			p.t.Errorf("%s is %s and not %s: %s", name, is, state, text)
		}
	}
}
