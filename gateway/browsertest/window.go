package browsertest

import "testing"

// Options are of a window; they are those of Playwright's newContext.
type Options struct {
	Locale      string   `json:"locale,omitempty"`      // such as "en-GB"
	ColorScheme string   `json:"colorScheme,omitempty"` // "light" or "dark"
	Viewport    *Size    `json:"viewport,omitempty"`
	HasTouch    bool     `json:"hasTouch,omitempty"`
	IsMobile    bool     `json:"isMobile,omitempty"`
	Permissions []string `json:"permissions,omitempty"`
	// Headers go with every request, as those of a proxy that knows who is there.
	Headers map[string]string `json:"extraHTTPHeaders,omitempty"`
	// Login answers HTTP's own question for a name and a password.
	Login *Login `json:"httpCredentials,omitempty"`
}

// Login is a name and a password.
type Login struct {
	Name     string `json:"username"`
	Password string `json:"password"`
}

// Size is in pixels.
type Size struct {
	Width  int `json:"width"`
	Height int `json:"height"`
}

// Phone is a small one, held upright.
var Phone = Options{Viewport: &Size{360, 740}, HasTouch: true, IsMobile: true}

// Window is a browser that somebody opened; what pages store in it ends with it.
type Window struct {
	b  *Browser
	id int
}

// Window opens one. The script init, unless it is "", runs in each of its pages before
// their own; what it calls tell(text, …) with is in Page.Told.
func (b *Browser) Window(t testing.TB, o Options, init string) *Window {
	t.Helper()
	w := &Window{b: b}
	b.ask(t, "window", map[string]any{"options": o, "init": init}, &w.id)
	t.Cleanup(func() { b.ask(t, "close", map[string]any{"window": w.id}, nil) })
	return w
}

// Offline cuts the window off from all networks, or lets it back.
func (w *Window) Offline(t testing.TB, offline bool) {
	t.Helper()
	w.b.ask(t, "offline", map[string]any{"window": w.id, "offline": offline}, nil)
}
