package page_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sftpgate/gateway/browsertest"
	remote "sftpgate/remote/hosts"
	"sftpgate/remote/remotetest"
	wait "sftpgate/remote/remotetest/await"
)

// The page and the element in a real browser, against a gateway that is a process of
// its own and OpenSSH.

func TestMain(m *testing.M) {
	code := m.Run()
	if err := browsertest.End(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

const (
	mib = 1 << 20
	// slow is what a host takes in a second until it is hurried: a file of this size is not
	// there before something was seen and interrupted, on the slowest machine.
	slow = 3 * mib / 4
	// crawl is a rate at which no body comes to its end while a test looks and clicks.
	crawl = remote.MinBandwidth
	long  = 24 * mib
	// chunk is what the page sends in one body, here: a browser takes a tenth of a second for
	// each MiB, and interruptions are between chunks of any size.
	chunk = 2 * mib
)

// site is a gateway, the host behind it, and where the page is.
type site struct {
	t    *testing.T
	gate *browsertest.Gate
	host *remotetest.SSHD // web-1
	url  string           // of the page, with a final slash
}

// serve starts a gateway for one host that takes so many bytes in a second; 0 for all
// that it can.
func serve(t *testing.T, bandwidth int64, flags ...string) *site {
	t.Helper()
	s := &site{t: t, host: remotetest.StartSSHD(t, remotetest.SSHDOptions{})}
	h := s.host.Host("web-1")
	h.Label, h.Bandwidth = "Web 1", bandwidth
	s.gate = browsertest.Serve(t, flags, h)
	s.url = s.gate.URL() + "/"
	return s
}

// hurry lets the hosts take all that they can.
func (s *site) hurry() { s.t.Helper(); s.gate.Throttle(0) }

// visit is somebody who has the page open.
type visit struct {
	*browsertest.Page
	t      *testing.T
	window *browsertest.Window
	dir    string // where files go
}

// desktop is a window of that size, in which somebody called alice reads English.
func desktop() browsertest.Options {
	return browsertest.Options{Locale: "en-GB", Viewport: &browsertest.Size{Width: 1100, Height: 760}, Headers: map[string]string{"X-User": "alice"}}
}

// visit opens the page and chooses a directory of its own on the host.
func (s *site) visit(o browsertest.Options) *visit {
	s.t.Helper()
	dir, err := os.MkdirTemp(s.host.Root, "visit-")
	if err != nil {
		s.t.Fatal(err)
	}
	return s.visitTo(dir, o)
}

func (s *site) visitTo(dir string, o browsertest.Options) *visit {
	s.t.Helper()
	return s.visitIn(browsertest.Shared(s.t).Window(s.t, o, ""), dir)
}

// visitIn opens the page in a window.
func (s *site) visitIn(w *browsertest.Window, dir string) *visit {
	s.t.Helper()
	v := &visit{t: s.t, window: w, dir: dir, Page: w.Open(s.t, s.url, nil)}
	v.Fill("#directory", dir)
	v.ready()
	v.Evaluate(`document.querySelector("sftpgate-upload").setAttribute("chunk-size", "2MiB")`, nil)
	return v
}

// ready waits until files can be given to the page.
func (v *visit) ready() {
	v.t.Helper()
	v.See(fmt.Sprintf("sftpgate-upload[dir=%q]:not([disabled])", v.dir))
}

// send chooses files as people do.
func (v *visit) send(files ...string) {
	v.t.Helper()
	v.PickByClick(button("Choose files"), files...)
}

// row is the selector of a file of the queue in one of these states; none for any.
func row(name string, states ...string) string {
	in := make([]string, 0, len(states))
	for _, s := range states {
		in = append(in, "."+s)
	}
	is := ""
	if len(in) > 0 {
		is = ":is(" + strings.Join(in, ",") + ")"
	}
	return fmt.Sprintf("sftpgate-upload li.item%s:has(:text-is(%q))", is, name)
}

// counted is the selector of what says how many files of the queue are done.
func counted(done, all int) string {
	return fmt.Sprintf(`sftpgate-upload [part=overall]:has-text("%d of %d done")`, done, all)
}

// unfinished is the selector of an upload in the gateway's list.
func unfinished(name string) string {
	return fmt.Sprintf("sg-upload-row [role=group][aria-label=%q]", name)
}

// finished is the selector of the list of what has arrived, with this in it.
func finished(path string) string { return fmt.Sprintf("sg-finished:has-text(%q)", path) }

// button is the selector of one by all its words.
func button(text string) string { return fmt.Sprintf("button:text-is(%q)", text) }

// labelled is the selector of a button by what screen readers read out.
func labelled(text string) string { return fmt.Sprintf("button[aria-label=%q]", text) }

// whole checks that nothing has gone wrong in the page on its own, that everybody can use it as
// it is now, and that it complained of nothing but these.
func (v *visit) whole(but ...string) {
	v.t.Helper()
	for _, barrier := range v.Barriers() {
		v.t.Errorf("a barrier: %s", barrier)
	}
	if c := v.Complaints(but...); len(c) > 0 {
		v.t.Errorf("on the console: %q", c)
	}
}

// away is what browsers say themselves when the gateway does not answer.
const away = "net::ERR_"

// leaving is what stands on the console after somebody was asked whether to leave the page.
const leaving = "dialog: beforeunload"

// upload is one as the gateway lists it.
type upload struct {
	ID, Path, State string
	Received        int64 `json:"received_bytes"`
}

// uploads are those that somebody has not finished.
func (s *site) uploads(user string) (open []upload) {
	s.t.Helper()
	r, err := http.NewRequest(http.MethodGet, s.gate.URL()+"/v1/uploads", http.NoBody)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("X-User", user)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	var list struct{ Uploads []upload }
	if err := json.NewDecoder(answer.Body).Decode(&list); err != nil {
		s.t.Fatal(err)
	}
	for _, u := range list.Uploads {
		if u.State != "done" && u.State != "cancelled" {
			open = append(open, u)
		}
	}
	return open
}

// received waits until so much of a file of alice's is safe on the host, and says how
// much it is.
func (s *site) received(path string, enough int64) (got int64) {
	s.t.Helper()
	wait.Until(s.t, "a part of "+path+" to arrive", func() bool {
		for _, u := range s.uploads("alice") {
			if u.Path == path {
				got = u.Received
			}
		}
		return got >= enough
	})
	return got
}

// held waits like received, and has the hosts take next to nothing from then on: the file is
// not there before the test hurries them, however slowly it looks and clicks until then.
func (s *site) held(path string, enough int64) (got int64) {
	s.t.Helper()
	s.received(path, enough)
	s.gate.Throttle(crawl)
	return s.received(path, enough)
}

// sent is how many bytes of files the gateway that runs now was sent and has taken.
func (s *site) sent() (n int64) {
	for _, r := range s.gate.Requests("/v1/") {
		if r.Method == http.MethodPut && r.Status/100 == 2 {
			n += r.In
		}
	}
	return n
}

// endless is a large file that is never sent to its end.
func endless(t *testing.T, name string) string {
	t.Helper()
	return sparse(t, filepath.Join(t.TempDir(), name), 4<<30)
}

// source is a file to be sent.
func source(t *testing.T, name string, size int64) string {
	t.Helper()
	return write(t, filepath.Join(t.TempDir(), name), size)
}
