package examples_test

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// site is a web server with this directory, and what is installed in it from npm.
type site struct {
	*httptest.Server
	at string // the URL where the browser finds it; default its own
}

// pageOf is where a page is found whose constants have these values, and other options
// where changes (old, new, …) say so.
func (s site) pageOf(name string, constants map[string]string, changes []string) string {
	q := url.Values{"change": changes}
	for k, v := range constants {
		q.Set(k, v)
	}
	return cmp.Or(s.at, s.URL) + "/" + name + ".html?" + q.Encode()
}

func startSite(t *testing.T) site {
	t.Helper()
	files := http.FileServer(http.Dir("."))
	mux := http.NewServeMux()
	mux.Handle("/node_modules/", files)
	mux.Handle("/bundle/", http.StripPrefix("/bundle/", http.FileServer(http.Dir(bundle(t)))))
	mux.HandleFunc("/{name}", func(w http.ResponseWriter, r *http.Request) {
		name := r.PathValue("name")
		if !strings.HasSuffix(name, ".html") && name != "patient.js" {
			files.ServeHTTP(w, r)
			return
		}
		text, err := asAsked(name, r.URL.Query())
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(text))
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return site{Server: s}
}

// pause is how long pages wait here before another try: a hundred of them, after which
// pages give up, are still more than a minute.
const pause = 700 * time.Millisecond

func asAsked(name string, q url.Values) ([]byte, error) {
	text, err := os.ReadFile(name)
	if bytes.Contains(text, []byte("\nconst pause = ")) || bytes.HasPrefix(text, []byte("const pause = ")) {
		q.Set("pause", strconv.FormatInt(pause.Milliseconds(), 10))
	}
	for change := range slices.Chunk(q["change"], 2) {
		if bytes.Count(text, []byte(change[0])) != 1 {
			return nil, fmt.Errorf("%q does not stand once in %s", change[0], name)
		}
		text = bytes.Replace(text, []byte(change[0]), []byte(change[1]), 1)
	}
	delete(q, "change")
	for _, c := range slices.Sorted(maps.Keys(q)) {
		if err == nil {
			text, err = constant(text, c, q.Get(c))
		}
	}
	return text, err
}

// bundle is Uppy as a panel's own build would make it: it comes in many modules,
// some of which browsers cannot load.
func bundle(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.Command("npm", "run", "--silent", "bundle", "--", "--outdir="+dir).CombinedOutput(); err != nil {
		t.Fatalf("npm run bundle: %v (make parts installs it)\n%s", err, out)
	}
	return dir
}
