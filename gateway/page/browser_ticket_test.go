package page_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"sftpgate/gateway/browsertest"
	"sftpgate/remote/remotetest"
	wait "sftpgate/remote/remotetest/await"
)

const secret = "0123456789abcdef0123456789abcdef"

// withJWT is a site that asks for tickets, with two hosts.
func withJWT(t *testing.T, flags ...string) *site {
	t.Helper()
	key := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(key, []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, host: remotetest.StartSSHD(t, remotetest.SSHDOptions{})}
	one, two := s.host.Host("web-1"), s.host.Host("web-2")
	one.Label, one.Bandwidth, two.Label = "Web 1", slow, "Web 2"
	flags = append([]string{"--auth", "jwt", "--jwt-alg", "HS256", "--jwt-key", key, "--jwt-audience", "gate", "--jwt-leeway", "0s"}, flags...)
	s.gate = browsertest.Serve(t, flags, one, two)
	s.url = s.gate.URL() + "/"
	return s
}

// ticket is one of alice's, with further claims.
func ticket(t *testing.T, life time.Duration, more ...any) string {
	t.Helper()
	claims := jwt.MapClaims{"sub": "alice", "aud": "gate", "exp": time.Now().Add(life).Unix(), "hosts": "*"}
	for i := 0; i < len(more); i += 2 {
		claims[more[i].(string)] = more[i+1]
	}
	text, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// open opens the page with what is behind # in the link.
func (s *site) open(fragment string) *visit {
	s.t.Helper()
	o := desktop()
	o.Headers = nil
	w := browsertest.Shared(s.t).Window(s.t, o, "")
	return &visit{t: s.t, window: w, Page: w.Open(s.t, s.url+fragment, nil)}
}

// A link lets a supplier send files of at most some size into one directory of one host,
// and shows nothing else. The ticket stays in no address and no log.
func TestLinkForOneDirectory(t *testing.T) {
	t.Parallel()
	s := withJWT(t)
	dir := s.visitDir("supplier")
	link := ticket(t, 48*time.Hour, "hosts", []string{"web-1"}, "paths", []string{dir}, "max_size", 2*mib)
	v := s.open("#ticket=" + link)
	v.dir = dir
	v.ready()
	v.See(`.limits:has-text("at most 2")`)
	v.Gone("#directory")
	v.Gone("#host-choice")
	if text := v.Text("body"); strings.Contains(text, "Web 2") {
		t.Errorf("it shows more than the ticket allows:\n%s", text)
	}
	var address string
	if v.Evaluate("location.href", &address); address != s.url {
		t.Errorf("the address is %s", address)
	}
	v.whole()
	small := source(t, "a.bin", mib)
	v.send(small, source(t, "large.bin", 3*mib))
	v.See(row("a.bin", "done"))
	v.See(`sftpgate-upload [part=notice]:has-text("large.bin")`)
	v.arrived(small)
	v.holds("a.bin")
	v.whole()
	var kept string
	if v.Evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])", &kept); strings.Contains(kept, link[:20]) {
		t.Errorf("the browser keeps %s", kept)
	}
	for _, r := range s.gate.Requests("/") {
		if strings.Contains(r.Path, "eyJ") {
			t.Errorf("the log holds %s", r.Path)
		}
	}
	v.Reload()
	v.See(`h1:has-text("This page needs a ticket")`)
	v.whole()
	v.Fill("#ticket", s.url+"#ticket="+link)
	v.Click(button("Use this ticket"))
	v.ready()
	v.whole()
}

// A ticket whose time is over is told apart from one that is wrong; what had begun with one
// that ends in the middle goes on.
func TestTicketsThatAreNoGood(t *testing.T) {
	t.Parallel()
	s := withJWT(t)
	v := s.open("#ticket=" + ticket(t, -time.Hour))
	v.See(`h1:has-text("The ticket has expired")`)
	v.whole("status of 401")
	v = s.open("#ticket=" + ticket(t, time.Hour, "aud", "another"))
	v.See(`h1:has-text("The gateway refused the ticket")`)
	v.whole("status of 401")
	v = s.open("")
	v.See(`h1:has-text("This page needs a ticket")`)
	v.whole()
}

// A ticket ends in the middle of an upload. The page says so; what has begun goes on.
func TestTicketEndsInTheMiddle(t *testing.T) {
	t.Parallel()
	s := withJWT(t)
	dir := s.visitDir("in")
	place := []any{"hosts", []string{"web-1"}, "paths", []string{dir}}
	v := s.open("#ticket=" + ticket(t, time.Hour, place...))
	v.dir = dir
	v.ready()
	file := source(t, "disk.img", long)
	v.send(file)
	v.See(row("disk.img", "sending"))
	s.gate.Throttle(crawl)
	short := ticket(t, 3*time.Second, place...)
	v.Evaluate(fmt.Sprintf("void (location.hash = %q)", "#ticket="+short), nil)
	v.Click(labelled("Pause: disk.img"))
	v.See(`h1:has-text("The ticket has expired")`)
	v.See(row("disk.img", "paused"))
	v.whole("status of 401", away)
	s.hurry()
	v.Click(labelled("Resume: disk.img"))
	v.See(row("disk.img", "done"))
	v.arrived(file)
	v.whole("status of 401", away)
}

// Who may not cancel is not offered it. What is under way can be paused, and taken off the
// queue; on the host it stays.
func TestTicketWithoutCancel(t *testing.T) {
	t.Parallel()
	s := withJWT(t)
	dir := s.visitDir("in")
	v := s.open("#ticket=" + ticket(t, time.Hour, "hosts", []string{"web-1"}, "paths", []string{dir}, "ops", []string{"read", "upload"}))
	v.dir = dir
	v.ready()
	v.send(endless(t, "disk.img"))
	v.See(row("disk.img", "sending"))
	v.See(button("Pause all"))
	for _, cancel := range []string{labelled("Cancel: disk.img"), button("Cancel all")} {
		v.Gone(cancel)
	}
	v.Click(labelled("Pause: disk.img"))
	v.See(row("disk.img", "paused"))
	v.whole(away)
	v.Click(labelled("Remove: disk.img"))
	v.Gone(row("disk.img"))
	v.See(unfinished("disk.img"))
	v.Gone(labelled("Cancel: disk.img"))
	v.See(labelled("Pick the same file again: disk.img"))
	v.whole(away)
}

// A panel embeds the page and hands it a ticket when it asks; one that is not named may not.
func TestEmbeddedInAPanel(t *testing.T) {
	t.Parallel()
	var s *site
	var good string
	panel := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprintf(w, `<!doctype html><html lang="en"><title>panel</title><body><iframe title="uploads" src="%s" width="1000" height="700"></iframe><script>
			addEventListener("message", (e) => {
				if (e.origin !== %q || e.data.type !== "sftpgate-ticket-wanted") return;
				e.source.postMessage({ type: "sftpgate-ticket", ticket: %q }, e.origin);
			});
		</script>`, s.url, s.gate.URL(), good)
	}))
	defer panel.Close()
	s = withJWT(t, "--allow-origin", panel.URL)
	dir := s.visitDir("in")
	good = ticket(t, time.Hour, "hosts", []string{"web-1"}, "paths", []string{dir})
	o := desktop()
	o.Headers = nil
	w := browsertest.Shared(t).Window(t, o, "")
	v := &visit{t: t, window: w, dir: dir, Page: w.Open(t, panel.URL, nil)}
	file := source(t, "a.bin", 100)
	v.PickByClick(browsertest.Inside("iframe", button("Choose files")), file)
	v.See(browsertest.Inside("iframe", row("a.bin", "done")))
	v.arrived(file)
	v.whole("postMessage") // axe asks the frame's document, of another origin

	stranger := httptest.NewServer(panel.Config.Handler)
	defer stranger.Close()
	x := &visit{t: t, window: w, Page: w.Open(t, stranger.URL, nil)}
	wait.Until(t, "the browser to refuse the frame", func() bool {
		return strings.Contains(strings.Join(x.Said(), "\n"), "frame-ancestors")
	})
	x.Gone(browsertest.Inside("iframe", "sftpgate-upload"))
}
