package page_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"sftpgate/gateway"
	"sftpgate/gateway/access"
	"sftpgate/gateway/page"
	"sftpgate/gateway/web"
)

type hosts struct {
	list []gateway.HostView
	err  error
}

func (h hosts) Hosts(context.Context, access.Caller) ([]gateway.HostView, error) {
	return h.list, h.err
}

func get(t *testing.T, h hosts, auth web.Authenticator, path string, header ...string) (*http.Response, string) {
	t.Helper()
	name := "none"
	if _, ok := auth.(withTickets); ok {
		name = "jwt"
	}
	return getFrom(t, page.Info{Version: "v1.2.3", Auth: name, Demo: true}, h, auth, path, header...)
}

func getFrom(t *testing.T, i page.Info, h hosts, auth web.Authenticator, path string, header ...string) (*http.Response, string) {
	t.Helper()
	return getThrough(t, web.Options{Auth: auth}, i, h, path, header...)
}

func getThrough(t *testing.T, o web.Options, i page.Info, h hosts, path string, header ...string) (*http.Response, string) {
	t.Helper()
	o.Log = slog.New(slog.DiscardHandler)
	front, err := web.New(o)
	if err != nil {
		t.Fatal(err)
	}
	m := web.NewMux()
	page.Routes(m, h, i)
	srv := httptest.NewServer(front.Handler(m))
	defer srv.Close()
	r, _ := http.NewRequest("GET", srv.URL+path, nil)
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
			continue
		}
		r.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(b)
}

var web1 = hosts{list: []gateway.HostView{
	{ID: "old", Roots: []string{"/old"}, State: "down", Reason: "connection refused", Free: -1},
	{ID: "web-1", Label: "Web 1", Roots: []string{"/srv/files"}, State: "up", Engine: "shell", Durability: "full", Free: 3 << 30},
}}

const browser = "text/html,application/xhtml+xml,*/*;q=0.8"

// Browsers get the page, whatever else asks gets text to read.
func TestWhoGetsWhat(t *testing.T) {
	res, body := get(t, web1, web.NoAuth(nil), "/", "Accept", browser)
	if ct := res.Header.Get("Content-Type"); res.StatusCode != 200 || !strings.HasPrefix(ct, "text/html") {
		t.Fatalf("%d %s", res.StatusCode, ct)
	}
	for _, want := range []string{"v1.2.3", `src="/assets/page.js"`, `data-auth="none"`, `data-demo="true"`, "curl -sS"} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q in the page", want)
		}
	}
	res, body = get(t, web1, web.NoAuth(nil), "/", "Accept", "*/*")
	if ct := res.Header.Get("Content-Type"); !strings.HasPrefix(ct, "text/plain") || strings.Contains(body, "<") && strings.Contains(body, "</") {
		t.Fatalf("%s\n%s", ct, body)
	}
	for _, want := range []string{"v1.2.3", "web-1", "3.0 GiB free", "connection refused", "/v1/hosts", "anonymous", "demonstration"} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q in the text", want)
		}
	}
}

// Everything that the page loads is served here and allowed by its policy, and nothing in it is inline.
func TestPageIsWholeUnderItsPolicy(t *testing.T) {
	res, body := get(t, web1, web.NoAuth(nil), "/", "Accept", browser)
	csp := res.Header.Get("Content-Security-Policy")
	if !strings.HasPrefix(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") || regexp.MustCompile(`<script>|<style|style=|\son\w+=`).MatchString(body) {
		t.Fatalf("%s", csp)
	}
	loaded := regexp.MustCompile(`(?:src|href)="(/(?:assets|client)/[^"]*)"`).FindAllStringSubmatch(body, -1)
	for _, m := range append(loaded, []string{"", "/client/sftpgate.js"}, []string{"", "/client/sftpgate.d.ts"}) {
		res, content := get(t, web1, web.NoAuth(nil), m[1])
		if res.StatusCode != 200 || content == "" || res.Header.Get("Content-Type") == "" {
			t.Errorf("%s: %d", m[1], res.StatusCode)
		}
		if again, content := get(t, web1, web.NoAuth(nil), m[1], "If-None-Match", res.Header.Get("ETag")); again.StatusCode != 304 || content != "" {
			t.Errorf("%s again: %d", m[1], again.StatusCode)
		}
	}
	if len(loaded) < 4 {
		t.Errorf("it loads %v", loaded)
	}
}

// The sites that are named may embed the page, and no other one.
func TestWhoMayEmbedThePage(t *testing.T) {
	for _, c := range []struct {
		origins   []string
		ancestors string
	}{
		{nil, "'none'"},
		{[]string{"*", "null"}, "'none'"},
		{[]string{"https://panel.example", "*", "https://other.example:8443"}, "'self' https://panel.example https://other.example:8443"},
	} {
		res, body := getFrom(t, page.Info{Auth: "jwt", Origins: c.origins}, web1, web.NoAuth(nil), "/", "Accept", browser)
		if csp := res.Header.Get("Content-Security-Policy"); !strings.HasSuffix(csp, "frame-ancestors "+c.ancestors) {
			t.Errorf("%v: %s", c.origins, csp)
		}
		if framed := res.Header.Get("X-Frame-Options") == ""; framed != (c.ancestors != "'none'") {
			t.Errorf("%v: X-Frame-Options %q", c.origins, res.Header.Get("X-Frame-Options"))
		}
		if !strings.Contains(body, `name="sftpgate-origins" content="`+strings.TrimPrefix(strings.TrimPrefix(c.ancestors, "'none'"), "'self' ")+`"`) {
			t.Errorf("%v: they are not in\n%s", c.origins, body)
		}
	}
}

func TestWithoutAUserTheTextStillSaysWhatItIs(t *testing.T) {
	res, body := get(t, web1, web.HeaderAuth("", nil, nil), "/", "Accept", "*/*")
	if res.StatusCode != 200 || !strings.Contains(body, "trusted-proxy") || strings.Contains(body, "web-1") {
		t.Errorf("%d %s", res.StatusCode, body)
	}
	if res, body = get(t, web1, web.HeaderAuth("", nil, nil), "/", "Accept", browser); res.StatusCode != 200 || strings.Contains(body, "web-1") {
		t.Errorf("%d %s", res.StatusCode, body)
	}
}

// withTickets stands for --auth jwt: one ticket is good.
type withTickets struct{}

func (withTickets) Authenticate(r *http.Request) (access.Caller, error) {
	if r.Header.Get("Authorization") != "Bearer good" {
		return access.Caller{}, gateway.Refuse(gateway.Unauthenticated, "a ticket is needed")
	}
	return access.Caller{User: "alice"}, nil
}

func TestTickets(t *testing.T) {
	_, body := get(t, web1, withTickets{}, "/")
	if !strings.Contains(body, "a ticket is needed") || !strings.Contains(body, "Authorization: Bearer $ticket") || strings.Contains(body, "web-1") {
		t.Error(body)
	}
	for _, accept := range []string{browser, "*/*"} {
		_, body = get(t, web1, withTickets{}, "/", "Accept", accept, "Authorization", "Bearer good")
		if strings.Contains(body, "X-User") || strings.Contains(body, "Bearer good") || !strings.Contains(body, "web-1") || !strings.Contains(body, "$ticket") {
			t.Error(body)
		}
	}
	// The lines send what is in $ticket.
	_, text := get(t, web1, withTickets{}, "/", "Authorization", "Bearer good")
	_, script, _ := strings.Cut(text, "\n#")
	script, _, _ = strings.Cut(script, "\n#")
	out, err := exec.Command("sh", "-c", `ticket=good; curl() { for a; do printf '[%s]' "$a"; done; }`+"\n#"+script).CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), "[-sS][--fail-with-body][-H][Authorization: Bearer good][http://") {
		t.Errorf("%v %s\n%s", err, out, script)
	}
}

// Behind a proxy, which names the user, the lines do not name one.
func TestCommandsNameNoUserBehindAProxy(t *testing.T) {
	local := web.Proxies{netip.MustParsePrefix("127.0.0.0/8")}
	options := web.Options{Proxies: local, Auth: web.HeaderAuth("", local, nil)}
	for _, c := range []struct {
		named  bool
		header []string
	}{{true, nil}, {false, []string{"X-Forwarded-For", "192.0.2.7"}}} {
		_, body := getThrough(t, options, page.Info{Auth: "header"}, web1, "/", append([]string{"X-User", "alice"}, c.header...)...)
		if named := strings.Contains(body, "X-User: alice"); named != c.named || !strings.Contains(body, "curl -sS") {
			t.Errorf("with %v:\n%s", c.header, body)
		}
	}
}

func TestNoHosts(t *testing.T) {
	if _, body := get(t, hosts{}, web.NoAuth(nil), "/"); !strings.Contains(body, "hosts.yaml") || strings.Contains(body, "curl -sS") {
		t.Error(body)
	}
	for _, accept := range []string{browser, "*/*"} {
		if _, body := get(t, hosts{err: io.ErrUnexpectedEOF}, web.NoAuth(nil), "/", "Accept", accept); strings.Contains(body, "EOF") {
			t.Error("an internal error is shown")
		}
	}
}

func TestNamesAreInert(t *testing.T) {
	evil := "</pre><script>alert(1)</script>\u202e\nX"
	h := hosts{list: []gateway.HostView{{ID: "a", Label: evil, Tags: []string{evil}, Roots: []string{"/srv/" + evil}, State: "up", Reason: evil, Free: -1}}}
	_, body := get(t, h, web.NoAuth(nil), "/", "Accept", browser, "X-User", `<img src=x onerror=alert(1)>`, "Host", `"><script>alert(2)</script>`)
	if strings.Contains(body, "<script>") || strings.Contains(body, "<img src=x") {
		t.Error(body)
	}
}

// The shell itself says which words it finds in the lines; curl is a function that prints them.
func TestCommandsMeanTheSameToAShell(t *testing.T) {
	root := `/srv/it's $(touch pwned) "x" & <b>`
	h := hosts{list: []gateway.HostView{{ID: "web-1", Roots: []string{root}, State: "unknown"}}}
	_, text := get(t, h, web.NoAuth(nil), "/", "X-User", "o'neil $(touch pwned)", "Host", "up.example:8080")
	_, script, ok := strings.Cut(text, "\n#")
	if !ok {
		t.Fatal(text)
	}
	dir := t.TempDir()
	cmd := exec.Command("sh", "-c", `curl() { cat >/dev/null; for a; do printf '[%s]' "$a" >&2; done; echo >&2; echo '{"id":"u1"}'; }`+"\n#"+script)
	cmd.Dir = dir
	cmd.Stdin = strings.NewReader("")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s\n%s", err, errs.String(), script)
	}
	user := `[-sS][--fail-with-body][-H][X-User: o'neil $(touch pwned)]`
	up := "http://up.example:8080/v1/uploads"
	want := []string{
		user + "[http://up.example:8080/v1/hosts]",
		user + "[-T][-][http://up.example:8080/v1/hosts/web-1/files/srv/it%27s%20$%28touch%20pwned%29%20%22x%22%20&%20%3Cb%3E/hello.txt?if_exists=replace]",
		user + `[-d][{"host":"web-1","path":"/srv/it's $(touch pwned) \"x\" & <b>/big.bin","size":20000000,"chunk_size":8388608,"if_exists":"replace"}][` + up + "]",
		user + `[-w][ chunk 0: %{http_code}\n][-T][-][` + up + "/u1/chunks/0]",
		user + `[-w][ chunk 1: %{http_code}\n][-T][-][` + up + "/u1/chunks/1]",
		user + `[-w][ chunk 2: %{http_code}\n][-T][-][` + up + "/u1/chunks/2]",
		user + "[-X][POST][" + up + "/u1/merge]",
		user + "[" + up + "/u1]",
	}
	shown := strings.ReplaceAll(errs.String(), `{"id":"u1"}`+"\n", "") // what chunks are answered
	if got := strings.TrimSpace(shown); got != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
	if found, _ := filepath.Glob(filepath.Join(dir, "pwned")); len(found) > 0 {
		t.Error("a name ran as a command")
	}
}

// A refusal is shown, and nothing is asked of an upload that there is not.
func TestCommandsStopAtARefusal(t *testing.T) {
	h := hosts{list: []gateway.HostView{{ID: "web-1", Roots: []string{"/srv"}, State: "unknown"}}}
	_, text := get(t, h, web.NoAuth(nil), "/", "Host", "up.example:8080")
	_, script, _ := strings.Cut(text, "\n#")
	for refused, asked := range map[string]int{"*/v1/uploads": 1, "*/chunks/1": 3} {
		cmd := exec.Command("sh", "-c", `curl() { cat >/dev/null; for a; do :; done; echo "$a" >&2
			case "$a" in `+refused+`) echo '{"code":"unknown-host","type":"urn:x"}'; return 22;; esac; echo '{"id":"u1"}'; }`+"\n#"+script)
		cmd.Dir, cmd.Stdin = t.TempDir(), strings.NewReader("")
		var out, errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errs
		_ = cmd.Run()
		if n := strings.Count(errs.String(), "/v1/uploads"); n != asked || !strings.Contains(errs.String(), "unknown-host") {
			t.Errorf("%s refused: %d calls\n%s%s", refused, n, errs.String(), out.String())
		}
	}
}
