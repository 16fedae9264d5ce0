package browsertest

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Page is one that is open. Selectors are Playwright's, which look into open shadow
// roots; of several elements that match the first one counts, and each action waits for
// its element.
type Page struct {
	t    testing.TB
	b    *Browser
	id   int
	told func(...string)
	left bool

	mu     sync.Mutex
	errors []string
}

// Open loads a page. What it tells goes to told, unless that is nil. That the page has
// broken fails the test.
func (w *Window) Open(t testing.TB, url string, told func(...string)) *Page {
	t.Helper()
	p := &Page{t: t, b: w.b, told: told}
	w.b.ask(t, "open", map[string]any{"window": w.id, "url": url}, &p.id)
	w.b.mu.Lock()
	w.b.pages[p.id] = p
	w.b.mu.Unlock()
	t.Cleanup(func() {
		if t.Failed() && !p.left {
			shown := filepath.Join(os.TempDir(), strings.ReplaceAll(t.Name(), "/", " ")+".png")
			p.Screenshot(shown)
			t.Logf("what the page shows is in %s; it said:\n%s", shown, strings.Join(p.Said(), "\n"))
		}
	})
	return p
}

func (p *Page) hear(m message) {
	if m.Error != "" {
		p.mu.Lock()
		p.errors = append(p.errors, m.Error)
		p.mu.Unlock()
		p.t.Errorf("the page has broken: %s", m.Error)
		return
	}
	if p.told != nil {
		p.told(m.Told...)
	}
}

// Broken reports whether a script of the page has thrown what nothing caught.
func (p *Page) Broken() bool { p.mu.Lock(); defer p.mu.Unlock(); return len(p.errors) > 0 }

func (p *Page) do(what string, with map[string]any, value any) {
	p.t.Helper()
	with["page"] = p.id
	p.b.ask(p.t, what, with, value)
}

// Click clicks.
func (p *Page) Click(selector string) {
	p.t.Helper()
	p.do("click", map[string]any{"selector": selector}, nil)
}

// Fill puts text into a field, in the place of what is there.
func (p *Page) Fill(selector, text string) {
	p.t.Helper()
	p.do("fill", map[string]any{"selector": selector, "text": text}, nil)
}

// Choose chooses an option by its value or label.
func (p *Page) Choose(selector, option string) {
	p.t.Helper()
	p.do("choose", map[string]any{"selector": selector, "text": option}, nil)
}

// Focus gives an element the focus.
func (p *Page) Focus(selector string) {
	p.t.Helper()
	p.do("focus", map[string]any{"selector": selector}, nil)
}

// Press presses keys one after the other: "Tab", "Enter", "Shift+Tab".
func (p *Page) Press(keys ...string) {
	p.t.Helper()
	for _, key := range keys {
		p.do("press", map[string]any{"key": key}, nil)
	}
}

// Type types text where the focus is.
func (p *Page) Type(text string) { p.t.Helper(); p.do("type", map[string]any{"text": text}, nil) }

// Pick gives files, or one directory, to an input.
func (p *Page) Pick(selector string, files ...string) {
	p.t.Helper()
	p.do("pick", map[string]any{"selector": selector, "files": files}, nil)
}

// PickByClick picks files in the chooser that a click opens.
func (p *Page) PickByClick(selector string, files ...string) {
	p.t.Helper()
	p.pickBy(map[string]any{"selector": selector, "files": files})
}

// PickByKey picks files in the chooser that a key opens.
func (p *Page) PickByKey(key string, files ...string) {
	p.t.Helper()
	p.pickBy(map[string]any{"key": key, "files": files})
}

func (p *Page) pickBy(with map[string]any) {
	p.t.Helper()
	var again string
	if p.do("pickBy", with, &again); again != "" {
		p.t.Logf("no chooser opened at first: %s", again)
	}
}

// Drop drops files and directories onto an element, as from another window.
func (p *Page) Drop(selector string, files ...string) {
	p.t.Helper()
	p.do("drop", map[string]any{"selector": selector, "files": files}, nil)
}

// See waits until an element is there and visible.
func (p *Page) See(selector string) { p.t.Helper(); p.wait(selector, "visible") }

// Gone waits until no such element is visible.
func (p *Page) Gone(selector string) { p.t.Helper(); p.wait(selector, "hidden") }

func (p *Page) wait(selector, state string) {
	p.t.Helper()
	p.do("wait", map[string]any{"selector": selector, "state": state}, nil)
}

// Count is how many elements match just now.
func (p *Page) Count(selector string) (n int) {
	p.t.Helper()
	p.do("count", map[string]any{"selector": selector}, &n)
	return n
}

// Text is what an element shows.
func (p *Page) Text(selector string) (text string) {
	p.t.Helper()
	p.do("text", map[string]any{"selector": selector}, &text)
	return text
}

// Attribute is an element's attribute, "" where it has none.
func (p *Page) Attribute(selector, name string) (text string) {
	p.t.Helper()
	p.do("attribute", map[string]any{"selector": selector, "name": name}, &text)
	return text
}

// Heap is how many bytes of memory the page's scripts hold once what nobody needs is
// collected, with those in array buffers.
func (p *Page) Heap() (bytes int64) {
	p.t.Helper()
	p.do("heap", map[string]any{}, &bytes)
	return bytes
}

// Inside is a selector of what is in the document of a frame.
func Inside(frame, selector string) string {
	return frame + " >> internal:control=enter-frame >> " + selector
}

// Evaluate runs an expression in the page, and reads its value unless value is nil.
func (p *Page) Evaluate(script string, value any) {
	p.t.Helper()
	p.do("evaluate", map[string]any{"script": script}, value)
}

// Reload loads the page again.
func (p *Page) Reload() { p.t.Helper(); p.do("reload", map[string]any{}, nil) }

// Screenshot writes what is seen to a PNG file.
func (p *Page) Screenshot(path string) {
	p.t.Helper()
	p.do("screenshot", map[string]any{"path": path}, nil)
}

// Barriers are what axe-core finds serious or critical, in words.
func (p *Page) Barriers() (found []string) {
	p.t.Helper()
	p.do("barriers", map[string]any{}, &found)
	return found
}

// Said is what stands on the console: "error: …", "log: …".
func (p *Page) Said() (lines []string) {
	p.t.Helper()
	p.do("said", map[string]any{}, &lines)
	return lines
}

// Complaints are the errors and warnings on the console but those that hold one of
// these texts.
func (p *Page) Complaints(but ...string) []string {
	p.t.Helper()
	return slices.DeleteFunc(p.Said(), func(line string) bool {
		return !strings.HasPrefix(line, "error:") && !strings.HasPrefix(line, "warning:") ||
			slices.ContainsFunc(but, func(b string) bool { return strings.Contains(line, b) })
	})
}

// Leave closes the page.
func (p *Page) Leave() { p.t.Helper(); p.left = true; p.do("leave", map[string]any{}, nil) }
