package page_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sftpgate/gateway/browsertest"
	"sftpgate/remote/remotetest"
)

// behind puts an nginx in front of the gateway, with other lines for paths of the API that
// match.
func (s *site) behind(path, lines string) {
	s.t.Helper()
	pass := fmt.Sprintf("proxy_pass http://%s; proxy_set_header Host $http_host; proxy_request_buffering off; proxy_buffering off;", s.gate.Address)
	s.url = s.gate.Nginx(fmt.Sprintf("location / { %s client_max_body_size 0; } location ~ ^/v1/%s { %[1]s %[3]s }", pass, path, lines), nil) + "/"
}

// A proxy that nobody has set up takes no body of more than a MiB. The client finds that out
// once, and files arrive in smaller pieces, chunks and those sent in one request alike.
func TestProxyThatTakesSmallBodies(t *testing.T) {
	t.Parallel()
	s := serve(t, 0)
	s.behind("", "client_max_body_size 1m;")
	v := s.visit(desktop())
	v.Evaluate(`document.querySelector("sftpgate-upload").removeAttribute("chunk-size")`, nil)
	large, small := source(t, "disk.img", 20*mib), source(t, "a.bin", 3*mib)
	v.send(large)
	v.See(row("disk.img", "done"))
	v.arrived(large)
	v.shows(large)
	// Two bodies are under way when the first of 8, 4 and 2 MiB is refused, and no later one is that large.
	if n := len(v.Complaints()); n < 3 || n > 6 {
		t.Errorf("%d bodies were refused", n)
	}
	v.send(small)
	v.See(row("a.bin", "done"))
	v.arrived(small)
	v.holds("a.bin", "disk.img")
	pieces := s.pieces()
	if len(pieces) < 23 || slices.Max(pieces) > mib {
		t.Errorf("the pieces have %d bytes", pieces)
	}
	v.whole("status of 413")
}

// pieces are the lengths of what was sent as a part of a file, wherever that lies in it.
func (s *site) pieces() (lengths []int64) {
	for _, r := range s.gate.Requests("/v1/uploads/") {
		if strings.HasSuffix(r.Path, "/data") && r.Status/100 == 2 {
			lengths = append(lengths, r.In)
		}
	}
	return lengths
}

// No events come through the proxy. The client asks now and then instead, shows how far the
// merge is, and after two files without a word it tries no events any more.
func TestProxyWithoutEvents(t *testing.T) {
	t.Parallel()
	s := &site{t: t, host: remotetest.StartSSHD(t, remotetest.SSHDOptions{})}
	far := remotetest.StartProxy(t, fmt.Sprint("127.0.0.1:", s.host.Host("web-1").Port))
	s.gate = browsertest.Serve(t, nil, far.Host(s.host.Host("web-1")))
	s.behind(".*/events", "return 502;")
	v := s.visit(desktop())
	far.Delay(100 * time.Millisecond) // or the merge would be over before anybody asks again
	file := source(t, "a.img", 20*mib)
	v.send(file)
	v.See(row("a.img", "merging") + ` .percent:has-text("merged 100%")`)
	far.Delay(0)
	v.See(row("a.img", "done"))
	v.arrived(file)
	for _, name := range []string{"b.img", "c.img"} {
		file := source(t, name, 5*mib)
		v.send(file)
		v.See(row(name, "done"))
		v.arrived(file)
	}
	v.whole("status of 502")
	if n := len(v.Complaints()); n != 2 {
		t.Errorf("events were asked for %d times", n)
	}
}
