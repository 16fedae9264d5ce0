package examples_test

import (
	"slices"
	"sync"
	"testing"

	"sftpgate/gateway/browsertest"
	wait "sftpgate/remote/remotetest/await"
)

// window is a small one: without a graphics card each frame is painted by the processor,
// and there are libraries that wait for a hundred of them before they send (FilePond).
func window(t *testing.T, b *browsertest.Browser) *browsertest.Window {
	t.Helper()
	return b.Window(t, browsertest.Options{Viewport: &browsertest.Size{Width: 320, Height: 240}}, watch)
}

// watch runs in every page, and tells when a line of the list gets another state.
const watch = `
const told = new WeakMap();
new MutationObserver(() => {
  for (const line of document.querySelectorAll("#list li[data-state]")) {
    const { name, state } = line.dataset;
    if (told.get(line) === state) continue;
    told.set(line, state);
    window.tell(name, state, line.textContent);
  }
}).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ["data-state"] });
`

// page is one that is open, and what its list shows.
type page struct {
	*browsertest.Page
	t    *testing.T
	done func(name string) // called at once when the page says that a file is done

	mu    sync.Mutex
	items map[string]item
	left  bool
}

// item is a file's line.
type item struct{ state, text string }

// open loads a page, which is closed with the test.
func open(t *testing.T, w *browsertest.Window, url string, done func(name string)) *page {
	t.Helper()
	p := &page{t: t, done: done, items: map[string]item{}}
	p.Page = w.Open(t, url, p.shows)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the page shows %v", p.shown())
		}
		p.leave()
	})
	return p
}

// leave closes the page, and nothing else.
func (p *page) leave() {
	p.t.Helper()
	if !p.left {
		p.left = true
		p.Leave()
	}
}

func (p *page) shows(told ...string) {
	name, is := told[0], item{told[1], told[2]}
	if is.state == "done" && p.done != nil {
		p.done(name)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.items[name] = is
}

// state is what a file's line shows; "" when it has none.
func (p *page) state(name string) (state, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.items[name].state, p.items[name].text
}

func (p *page) shown() (lines []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, i := range p.items {
		lines = append(lines, i.state+": "+i.text)
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
			return is == "done" || is == "failed" || p.Broken()
		})
		if is != state {
			p.t.Errorf("%s is %s and not %s: %s", name, is, state, text)
		}
	}
}
