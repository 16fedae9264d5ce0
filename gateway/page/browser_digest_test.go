package page_test

import (
	"testing"

	"sftpgate/gateway/browsertest"
)

// with opens the page in a window where a script has run before it.
func (s *site) with(script string) *visit {
	s.t.Helper()
	return s.visitIn(browsertest.Shared(s.t).Window(s.t, desktop(), script), s.visitDir("in"))
}

// The last chunk is safe before the whole file is read. The row says what is waited for, which
// can be paused, and goes on where it was.
func TestChecking(t *testing.T) {
	t.Parallel()
	s := serve(t, 0)
	// The digest of the whole file is read in slices of a MiB, and waits for the second one.
	v := s.with(`
		delete window.Worker;
		const read = Blob.prototype.arrayBuffer;
		let slices = 0;
		const held = new Promise((go) => { window.readOn = go; });
		Blob.prototype.arrayBuffer = async function () {
			if (this.size === 1 << 20 && slices++) await held;
			return read.call(this);
		};`)
	file := source(t, "disk.img", 20*mib)
	v.send(file)
	v.See(row("disk.img", "checking") + ` .state:text-is("Checking 5%")`)
	v.whole()
	v.Click(labelled("Pause: disk.img"))
	v.See(row("disk.img", "paused"))
	v.Click(labelled("Resume: disk.img"))
	v.See(row("disk.img", "checking") + ` .state:text-is("Checking 5%")`)
	before := s.sent()
	v.Evaluate("readOn()", nil)
	v.See(row("disk.img", "done"))
	v.arrived(file)
	v.shows(file)
	v.holds("disk.img")
	if sent := s.sent(); sent != before || sent != 20*mib {
		t.Errorf("%d bytes were sent, %d of them before the pause", sent, before)
	}
	v.whole()
}

// What arrived is not what was declared. Nothing appears, the row says so, and starting over
// sends it all again.
func TestDigestIsRefused(t *testing.T) {
	t.Parallel()
	s := serve(t, 0)
	v := s.with(`
		const ask = window.fetch;
		window.fetch = (url, options) => {
			if (!options?.body || !String(url).endsWith("/merge")) return ask(url, options);
			window.fetch = ask;
			return ask(url, { ...options, body: JSON.stringify({ digest: "sha-256=:" + btoa("\0".repeat(32)) + ":" }) });
		};`)
	file := source(t, "disk.img", 20*mib)
	v.send(file)
	v.See(row("disk.img", "failed") + ` [part=error]:has-text("The bytes were damaged on their way")`)
	v.missing("disk.img")
	v.whole("status of 422")
	v.Click(labelled("Start over: disk.img"))
	v.See(row("disk.img", "done"))
	v.arrived(file)
	v.shows(file)
	v.holds("disk.img")
	v.whole("status of 422")
}
