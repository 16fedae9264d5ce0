package page_test

import (
	"encoding/base64"
	"fmt"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"sync/atomic"
	"testing"

	"sftpgate/gateway/browsertest"
	remote "sftpgate/remote/hosts"
	"sftpgate/remote/remotetest"
	wait "sftpgate/remote/remotetest/await"
)

// twoHosts is a site where there is something to choose.
func twoHosts(t *testing.T) *site {
	t.Helper()
	s := &site{t: t, host: remotetest.StartSSHD(t, remotetest.SSHDOptions{})}
	one, two := s.host.Host("web-1"), s.host.Host("backup-2")
	one.Label, one.Tags, one.Bandwidth = "Web 1", []string{"web", "eu"}, slow
	two.Label, two.Tags = "Backup 2", []string{"backup"}
	s.gate = browsertest.Serve(t, nil, one, two)
	s.url = s.gate.URL() + "/"
	return s
}

// By keyboard alone the whole job is done: a host found, a directory browsed to, a file
// chosen, paused, taken up, a conflict decided, and the unfinished upload of another day
// finished. Nothing is clicked, and no focus is set but by Tab.
func TestByKeyboardAlone(t *testing.T) {
	t.Parallel()
	s := twoHosts(t)
	seed := s.visitDir("incoming")
	w := browsertest.Shared(t).Window(t, desktop(), "")
	v := &visit{t: t, window: w, dir: seed, Page: w.Open(t, s.url, nil)}
	v.See("sg-host-picker")
	v.tabTo("#host-search")
	v.Type("web eu")
	v.Press("Enter")
	v.See(`#host-choice:has-text("Web 1")`)
	v.tabTo("button.browse")
	v.Press("Enter")
	v.See("sg-browser .folder")
	v.tabTo("sg-browser .folder")
	v.Press("Enter")
	v.ready()
	v.Press("Escape")
	v.Gone("sg-browser")

	file := source(t, "disk.img", long)
	v.tabToButton("Choose files")
	v.PickByKey("Enter", file)
	path := filepath.Join(v.dir, "disk.img")
	s.held(path, 1)
	v.tabToButton("Pause: disk.img")
	v.Press("Enter")
	v.See(row("disk.img", "paused"))
	v.focused("Resume: disk.img") // the button stays under the fingers
	v.Press("Enter")
	v.See(row("disk.img", "sending"))
	v.Press("Enter")
	v.See(row("disk.img", "paused"))
	v.Reload()
	v.See(unfinished("disk.img"))
	v.tabToButton("Pick the same file again: disk.img")
	s.hurry()
	v.PickByKey("Enter", file)
	v.See(row("disk.img", "done"))
	v.arrived(file)

	v.put("a.txt", "old")
	other := source(t, "a.txt", 10)
	v.tabToButton("Choose files")
	v.PickByKey("Enter", other)
	v.See(dialog)
	v.tabToButton("Replace")
	v.Press("Enter")
	v.Gone(dialog)
	v.See(row("a.txt", "done"))
	v.arrived(other)
	v.whole("status of 409", away)
}

// A list that comes in parts is read to its end: the last of many hosts is found.
func TestManyHosts(t *testing.T) {
	t.Parallel()
	sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	var all []remote.Host
	for i := range 501 {
		all = append(all, sshd.Host(fmt.Sprint("web-", i+1)))
	}
	w := browsertest.Shared(t).Window(t, desktop(), "")
	v := &visit{t: t, window: w, Page: w.Open(t, browsertest.Serve(t, nil, all...).URL()+"/", nil)}
	v.Fill("#host-search", "web-501")
	v.See(`sg-host-picker [role=option]:has-text("web-501")`)
}

// Where hosts.yaml was read again while the list was, and the host is gone that it was read
// up to, the page begins the list anew.
func TestManyHostsThatChange(t *testing.T) {
	t.Parallel()
	sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	var all []remote.Host
	for i := range 501 {
		all = append(all, sshd.Host(fmt.Sprint("web-", i+1)))
	}
	gate, err := url.Parse(browsertest.Serve(t, nil, all...).URL())
	if err != nil {
		t.Fatal(err)
	}
	var moved atomic.Bool
	proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(gate)
		if q := r.Out.URL.Query(); q.Has("cursor") && !moved.Swap(true) {
			q.Set("cursor", base64.RawURLEncoding.EncodeToString([]byte("a host that is gone")))
			r.Out.URL.RawQuery = q.Encode()
		}
	}})
	defer proxy.Close()
	w := browsertest.Shared(t).Window(t, desktop(), "")
	v := &visit{t: t, window: w, Page: w.Open(t, proxy.URL, nil)}
	v.Fill("#host-search", "web-501")
	v.See(`sg-host-picker [role=option]:has-text("web-501")`)
	if !moved.Load() {
		t.Error("the list came in one part: this shows nothing")
	}
}

// On a phone the whole job is done, nothing is wider than the screen, and what is pressed
// is large enough for a finger.
func TestOnAPhone(t *testing.T) {
	t.Parallel()
	s := twoHosts(t)
	o := browsertest.Phone
	o.Locale, o.Headers = "en-GB", map[string]string{"X-User": "alice"}
	w := browsertest.Shared(t).Window(t, o, "")
	v := &visit{t: t, window: w, dir: s.visitDir("incoming"), Page: w.Open(t, s.url, nil)}
	v.See("sg-host-picker")
	v.fits()
	v.Click(`sg-host-picker [role=option]:has-text("Web 1")`)
	v.Click(button("Browse"))
	v.Click(`sg-browser .folder:text-is("incoming")`)
	v.ready()
	v.fits()
	v.put("a.txt", "old")
	file, other := source(t, "disk.img", long), source(t, "a.txt", 10)
	v.send(file, other)
	v.See(dialog)
	v.fits()
	v.Click(dialog + " " + button("Replace"))
	s.held(filepath.Join(v.dir, "disk.img"), 1)
	v.Click(labelled("Pause: disk.img"))
	v.See(row("disk.img", "paused"))
	v.fits()
	v.Click(labelled("Resume: disk.img"))
	v.See(row("disk.img", "sending"))
	v.Click(labelled("Pause: disk.img"))
	v.See(row("disk.img", "paused"))
	v.Reload()
	v.fits()
	s.hurry()
	v.PickByClick(unfinished("disk.img")+" "+labelled("Pick the same file again: disk.img"), file)
	v.See(row("disk.img", "done"))
	v.fits()
	v.arrived(file)
	v.arrived(other)
	v.whole("status of 409", away)
}

// visitDir makes a directory of that name on the host.
func (s *site) visitDir(name string) string {
	s.t.Helper()
	dir := filepath.Join(s.host.Root, name)
	mkdir(s.t, dir)
	return dir
}

// fits: nothing is wider than the screen, and no state is cut off.
func (v *visit) fits() {
	v.t.Helper()
	var over []string
	v.Evaluate(`(() => {
		const found = [];
		const look = (root) => { for (const e of root.querySelectorAll("*")) {
			const { width, height, right } = e.getBoundingClientRect();
			if (e.shadowRoot) look(e.shadowRoot);
			if (!width || !height || e.closest(".hush, .unseen") || !e.checkVisibility?.()) continue;
			if (e.matches(".state") && e.scrollWidth > e.clientWidth && getComputedStyle(e).overflowX !== "visible") found.push(e.textContent + " is cut off");
			if (right > document.documentElement.clientWidth + 1 && !scrolls(e)) found.push(e.localName + "." + e.className + " ends at " + right);
		} };
		const scrolls = (e) => { for (; e; e = e.parentElement) if (getComputedStyle(e).overflowX !== "visible") return true; };
		look(document);
		if (document.documentElement.scrollWidth > innerWidth) found.push("the page scrolls sideways");
		return found;
	})()`, &over)
	if len(over) > 0 {
		v.t.Errorf("wider than the screen, or cut off: %q", over)
	}
}

// active is a script that finds what has the focus, also in the element.
const active = `(() => { let e = document.activeElement; while (e?.shadowRoot?.activeElement) e = e.shadowRoot.activeElement; return e; })()`

// tabTo goes forward until an element has the focus that matches.
func (v *visit) tabTo(selector string) {
	v.t.Helper()
	v.tab(selector, fmt.Sprintf("%s.matches(%q)", active, selector))
}

// tabToButton goes forward until the button has the focus that is read out like this.
func (v *visit) tabToButton(label string) {
	v.t.Helper()
	v.tab(label, isButton(label))
}

func isButton(label string) string {
	return fmt.Sprintf("((b) => (b.ariaLabel || b.textContent).trim() === %q)(%s)", label, active)
}

// tab presses Tab, as often as it takes to come round twice.
func (v *visit) tab(to, is string) {
	v.t.Helper()
	for range 120 {
		var there bool
		if v.Evaluate(is, &there); there {
			return
		}
		v.Press("Tab")
	}
	v.t.Fatalf("Tab does not come to %s", to)
}

// focused waits until that button has the focus.
func (v *visit) focused(label string) {
	v.t.Helper()
	wait.Until(v.t, label+" to have the focus", func() (there bool) {
		v.Evaluate(isButton(label), &there)
		return there
	})
}
