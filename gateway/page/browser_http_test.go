package page_test

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"sftpgate/gateway/browsertest"
)

// digests has a page note what its bodies are said to be.
const digests = `
	window.digests = [];
	const set = XMLHttpRequest.prototype.setRequestHeader;
	XMLHttpRequest.prototype.setRequestHeader = function (name, value) {
		if (name === "Content-Digest") window.digests.push(value);
		return set.call(this, name, value);
	};`

// A panel on plain HTTP has no crypto.subtle. Each chunk goes with its digest all the
// same: from the client's own worker where that is of the same origin, else without one.
func TestDigestsWithoutSubtle(t *testing.T) {
	t.Parallel()
	var s *site
	panel := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		gate := strings.Replace(s.gate.URL(), "127.0.0.1", "gate.test", 1)
		_, _ = fmt.Fprintf(w, `<!doctype html><html lang="en"><title>panel</title>
			<script type="module" src="%s/client/sftpgate.js" crossorigin></script><h1>Files</h1>
			<sftpgate-upload endpoint="%[1]s" host="web-1" dir=%q chunk-size="4MiB"></sftpgate-upload>`, gate, s.host.Root)
	}))
	defer panel.Close()
	at := strings.Replace(panel.URL, "127.0.0.1", "panel.test", 1)
	s = serve(t, 0, "--allow-host", "gate.test", "--allow-origin", at)
	own := strings.Replace(s.url, "127.0.0.1", "gate.test", 1)
	for _, c := range []struct {
		name, url string
		chunk     int64
		worker    bool
	}{
		{"panel.bin", at, 4 * mib, false},
		{"page.bin", own, 8 * mib, true},
	} {
		o := desktop()
		o.Headers = nil
		w := browsertest.Shared(t).Window(t, o, digests+`
			window.workers = 0;
			window.Worker = class extends Worker { constructor(...a) { super(...a); this.addEventListener("message", () => window.workers++, { once: true }); } };`)
		v := &visit{t: t, window: w, dir: s.host.Root, Page: w.Open(t, c.url, nil)}
		var secure bool
		if v.Evaluate("isSecureContext || crypto.subtle !== undefined", &secure); secure {
			t.Fatal("the browser takes it for secure")
		}
		v.See(`sftpgate-upload[dir]:not([dir=""])`)
		file := source(t, c.name, 18*mib)
		v.send(file)
		v.See(row(c.name, "done"))
		v.arrived(file)
		var got []string
		v.Evaluate("window.digests", &got)
		want := chunkDigests(t, file, c.chunk)
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: the digests are %q and not %q", c.url, got, want)
		}
		var workers int
		if v.Evaluate("window.workers", &workers); (workers > 0) != c.worker {
			t.Errorf("%s: %d workers", c.url, workers)
		}
		v.whole("Worker")
	}
}

// chunkDigests are those of a file's chunks as Content-Digest has them.
func chunkDigests(t *testing.T, path string, chunk int64) (all []string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for c := range slices.Chunk(b, int(chunk)) {
		sum := sha256.Sum256(c)
		all = append(all, "sha-256=:"+base64.StdEncoding.EncodeToString(sum[:])+":")
	}
	return all
}
