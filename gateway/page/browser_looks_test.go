package page_test

import (
	"testing"

	"sftpgate/gateway/browsertest"
	wait "sftpgate/remote/remotetest/await"
)

// shifts has a page sum up how far what is seen moves without anybody having pressed anything.
const shifts = `
	window.shift = 0;
	new PerformanceObserver((list) => {
		for (const e of list.getEntries()) if (!e.hadRecentInput) window.shift += e.value;
	}).observe({ type: "layout-shift", buffered: true });`

// Nothing jumps under one's fingers while the page is built up, nor while a file is sent,
// merged and done.
func TestNothingJumps(t *testing.T) {
	t.Parallel()
	s := twoHosts(t)
	w := browsertest.Shared(t).Window(t, desktop(), shifts)
	v := &visit{t: t, window: w, dir: s.visitDir("in"), Page: w.Open(t, s.url, nil)}
	v.See("sg-host-picker")
	v.See("footer >> visible=true")
	v.calm("while the page was built up")
	v.Click(`sg-host-picker [role=option]:has-text("Web 1")`)
	v.Fill("#directory", v.dir)
	v.ready()
	v.Reload()
	v.ready()
	v.See("footer >> visible=true")
	v.calm("while the page was built up again")
	file := source(t, "disk.img", 20*mib)
	v.send(file)
	v.See(row("disk.img", "sending") + ` .speed:has-text("/s")`)
	s.hurry()
	v.See(row("disk.img", "done"))
	v.arrived(file)
	v.shows(file)
	v.calm("while the file was sent")
	// What moves is noticed.
	v.Evaluate(`void document.querySelector("main").prepend(Object.assign(document.createElement("div"), { style: "height: 300px" }))`, nil)
	wait.Until(t, "a shift", func() bool { return v.shift() >= 0.1 })
}

// calm: what is seen has not moved, but for a figure that is filled in, since this was asked last.
func (v *visit) calm(when string) {
	v.t.Helper()
	if shift := v.shift(); shift >= 0.02 {
		v.t.Errorf("%s what is seen moved by %.3f", when, shift)
	}
	v.Evaluate("window.shift = 0", nil)
}

// shift is how far it has moved, once what has changed by now is seen.
func (v *visit) shift() (shift float64) {
	v.t.Helper()
	v.Evaluate("new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => go(window.shift)))))", &shift)
	return shift
}

// In the dark everything can be read as well: where files go, with a host's free space and
// how far away it is, the question, and each state of a file.
func TestInTheDark(t *testing.T) {
	t.Parallel()
	s := twoHosts(t)
	v := &visit{t: t, dir: s.visitDir("in")}
	v.Page = browsertest.Shared(t).Window(t, dark(), "").Open(t, s.url, nil)
	v.Click(`sg-host-picker [role=option]:has-text("Web 1")`)
	v.Fill("#directory", v.dir)
	v.ready()
	v.Click("#host-choice")
	v.See(`sg-host-picker [role=option]:has-text("Web 1") .facts:text-matches("^\\s*up\\s+[0-9.]+ [KMGT]iB free\\s+[0-9.,]+ ms\\s+web\\s*eu\\s*$")`)
	v.whole()
	v.Press("Escape")
	v.put("a.txt", "old")
	v.send(source(t, "a.txt", 10), source(t, "b.txt", 10), endless(t, "disk.img"))
	v.See(dialog)
	v.whole("status of 409")
	v.Click(dialog + " " + button("Decide later"))
	v.See(row("a.txt", "failed"))
	v.See(row("b.txt", "done"))
	v.See(row("disk.img", "sending"))
	v.whole("status of 409")
	v.Click(labelled("Cancel: disk.img"))
	v.See(row("disk.img", "cancelled"))
	v.whole("status of 409", away)
}
