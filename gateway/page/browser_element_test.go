package page_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"testing"

	"sftpgate/gateway/browsertest"
	"sftpgate/remote/remotetest"
	wait "sftpgate/remote/remotetest/await"
)

// elements opens pages of somebody's own, which hold the element with further attributes.
func elements(t *testing.T) (s *site, open func(attributes string) *visit) {
	t.Helper()
	s = &site{t: t, host: remotetest.StartSSHD(t, remotetest.SSHDOptions{})}
	panel := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprintf(w, `<!doctype html><html lang="en"><title>panel</title>
			<script type="module" src="%s/client/sftpgate.js" crossorigin></script><h1>Files</h1>
			<sftpgate-upload endpoint="%[1]s" %s></sftpgate-upload>`, s.gate.URL(), r.URL.Query().Get("with"))
	}))
	t.Cleanup(panel.Close)
	one, two := s.host.Host("web-1"), s.host.Host("web-2")
	one.Bandwidth = slow
	s.gate = browsertest.Serve(t, []string{"--allow-origin", panel.URL}, one, two)
	o := desktop()
	o.Headers = nil
	w := browsertest.Shared(t).Window(t, o, "")
	return s, func(attributes string) *visit {
		t.Helper()
		dir := s.visitDir(fmt.Sprint("visit-", len(listed(t, s.host.Root))))
		with := "?with=" + url.QueryEscape(fmt.Sprintf("dir=%q %s", dir, attributes))
		return &visit{t: t, window: w, dir: dir, Page: w.Open(t, panel.URL+"/"+with, nil)}
	}
}

// Several hosts are offered to choose from: the attribute's first one is taken at the
// beginning, unless host names another, and a file goes to the one that is chosen.
func TestElementWithSeveralHosts(t *testing.T) {
	t.Parallel()
	s, open := elements(t)
	v := open(`hosts="web-1, web-2"`)
	target := func(host string) string {
		return fmt.Sprintf("sftpgate-upload [part=target]:has-text(%q)", host+":"+v.dir)
	}
	v.See(target("web-1"))
	v.Choose("sftpgate-upload select", "web-2")
	v.See(target("web-2"))
	file := source(t, "a.txt", 10)
	v.send(file)
	v.See(row("a.txt", "done"))
	v.arrived(file)
	if len(s.gate.Requests("/v1/hosts/web-2/files/")) == 0 || len(s.gate.Requests("/v1/hosts/web-1/")) > 0 {
		t.Error("it went to another host")
	}
	v.whole()
	v = open(`hosts="web-1,web-2" host="web-2"`)
	v.See(target("web-2"))
	v = open(`hosts="web-1"`)
	v.See(target("web-1"))
	v.Gone("sftpgate-upload select")
}

// What becomes of files that stand there can be said beforehand; then nobody is asked. And so
// can how many are sent at once.
func TestElementDoesNotAsk(t *testing.T) {
	t.Parallel()
	_, open := elements(t)
	for _, c := range []struct{ overwrite, state string }{{"fail", "failed"}, {"replace", "done"}, {"skip", "skipped"}} {
		v := open(fmt.Sprintf(`host="web-2" overwrite=%q`, c.overwrite))
		v.put("a.txt", "old")
		file := source(t, "a.txt", 10)
		v.send(file)
		v.See(row("a.txt", c.state))
		v.Gone(dialog)
		if c.state == "done" {
			v.arrived(file)
		} else {
			v.is("a.txt", "old")
		}
		v.whole("status of 409")
	}
	v := open(`host="web-1" concurrency="1"`)
	v.send(endless(t, "a.img"), endless(t, "b.img"))
	v.See(row("a.img", "sending"))
	v.See(row("b.img", "queued"))
	v.Click(labelled("Pause: a.img"))
	v.See(row("b.img", "sending"))
	v.See(row("a.img", "paused"))
	v.Click(button("Cancel all"))
	v.See(row("b.img", "cancelled"))
}

// A page can step in: it keeps a file from being sent, from being tried again and from being
// given up, and says itself what is to be said of one that is not taken.
func TestElementEventsCanBePrevented(t *testing.T) {
	t.Parallel()
	_, open := elements(t)
	v := open(`host="web-1" max-size="5GiB"`)
	v.Evaluate(`window.met = []; window.free = false;
		for (const name of ["file-reject", "upload-before", "upload-retry", "upload-abort"])
			document.querySelector("sftpgate-upload").addEventListener(name, (e) => {
				met.push([name, e.detail.file.name, e.detail.reason].filter(Boolean).join(" "));
				if (!free && !(name === "upload-before" && e.detail.file.name === "disk.img")) e.preventDefault();
			}); undefined`, nil)
	dir := t.TempDir()
	junk, large := write(t, filepath.Join(dir, ".DS_Store"), 1), sparse(t, filepath.Join(dir, "large.img"), 6<<30)
	v.send(junk, large, source(t, "a.txt", 10), endless(t, "disk.img"))
	v.See(row("a.txt", "skipped"))
	v.See(row("disk.img", "sending"))
	v.Gone("sftpgate-upload [part=notice]")
	v.Click(labelled("Retry: a.txt"))
	v.Click(labelled("Cancel: disk.img"))
	v.See(row("a.txt", "skipped"))
	v.See(row("disk.img", "sending"))
	v.missing("a.txt")
	v.met("file-reject .DS_Store junk", "file-reject large.img too-large", "upload-before a.txt", "upload-before disk.img",
		"upload-retry a.txt", "upload-abort disk.img")

	// Not prevented the same clicks do what they say.
	v.Evaluate("window.free = true", nil)
	v.Click(labelled("Cancel: disk.img"))
	v.See(row("disk.img", "cancelled"))
	v.Click(labelled("Retry: a.txt"))
	v.See(row("a.txt", "done"))
	v.send(junk)
	v.See(`sftpgate-upload [part=notice]:has-text("1 system file was left out")`)
	v.whole(away)
}

// met: these events were fired, in this order.
func (v *visit) met(want ...string) {
	v.t.Helper()
	var got []string
	if v.Evaluate("window.met", &got); !slices.Equal(got, want) {
		v.t.Errorf("the events are %q and not %q", got, want)
	}
}

// A page decides about the files that stand in the way, at once or later. Nobody is asked.
func TestElementConflictIsDecidedByThePage(t *testing.T) {
	t.Parallel()
	_, open := elements(t)
	v := open(`host="web-2"`)
	v.Evaluate(`window.met = [];
		document.querySelector("sftpgate-upload").addEventListener("conflict", (e) => {
			const { item, error, detail = e.detail } = e.detail;
			met.push([item.name, error.size, Boolean(error.etag && error.mtime)].join(" "));
			e.preventDefault();
			const choice = item.name.slice(0, -4);
			if (choice === "replace") detail.choice = new Promise((go) => { window.decide = () => go(choice); });
			else if (choice !== "none") detail.choice = choice;
		}); undefined`, nil)
	states := map[string]string{"skip": "skipped", "none": "skipped", "later": "failed", "cancel": "cancelled"}
	for choice, state := range states {
		v.put(choice+".txt", "old")
		v.send(source(t, choice+".txt", 10))
		v.See(row(choice+".txt", state))
		v.is(choice+".txt", "old")
		v.met(choice + ".txt 3 true")
		v.Evaluate("met.length = 0", nil)
	}
	v.put("replace.txt", "old")
	file := source(t, "replace.txt", 10)
	v.send(file)
	v.See(row("replace.txt", "conflict"))
	v.is("replace.txt", "old")
	v.Gone(dialog)
	v.Evaluate("decide()", nil)
	v.See(row("replace.txt", "done"))
	v.arrived(file)
	v.whole("status of 409")
}

// A page is told how far the merge is, and of a host in trouble, which it can show by itself.
func TestElementTellsOfTheMergeAndTheHost(t *testing.T) {
	t.Parallel()
	s, open := elements(t)
	v := open(`host="web-2" chunk-size="1MiB"`)
	v.Evaluate(`window.merged = []; window.trouble = "";
		const element = document.querySelector("sftpgate-upload");
		element.addEventListener("merge-progress", ({ detail: { item, mergedBytes, size } }) => merged.push([item.name, mergedBytes, size].join(" ")));
		element.addEventListener("host-error", ({ detail: { item, host, error } }) => { trouble = [item.name, host, error.retryable].join(" "); }); undefined`, nil)
	v.send(source(t, "disk.img", 3*mib))
	v.See(row("disk.img", "done"))
	var merged []string
	v.Evaluate("merged", &merged)
	if len(merged) == 0 || merged[len(merged)-1] != fmt.Sprintf("disk.img %d %[1]d", 3*mib) {
		t.Errorf("the merge is told as %q", merged)
	}
	s.host.Stop()
	s.host.CutConnections()
	v.send(source(t, "a.txt", 10))
	wait.Until(t, "the host's trouble to be told", func() bool {
		var trouble string
		v.Evaluate("trouble", &trouble)
		return trouble == "a.txt web-2 true"
	})
	s.host.Restart()
	v.See(row("a.txt", "done"))
	v.whole("status of 50")
}
