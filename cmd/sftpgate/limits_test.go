package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"sftpgate/gateway/web"
	"sftpgate/remote/remotetest"
	wait "sftpgate/remote/remotetest/await"
)

// refused sends a request as alice and gives the answer, with its header.
func refused(t *testing.T, method, url, body string) (*http.Response, map[string]any) {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-User", "alice")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var answer map[string]any
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	return res, answer
}

func wantRefused(t *testing.T, res *http.Response, answer map[string]any, status int, code, says string, again bool) {
	t.Helper()
	after, _ := strconv.Atoi(res.Header.Get("Retry-After"))
	detail, _ := answer["detail"].(string)
	if res.StatusCode != status || answer["code"] != code || answer["retryable"] != again || again != (after > 0) || !strings.Contains(detail, says) {
		t.Errorf("%s, Retry-After %d, %v", res.Status, after, answer)
	}
}

// What a client sees where a host, or its user, has no place for a body.
func TestTooManyBodiesOverHTTP(t *testing.T) {
	t.Parallel()
	sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	h := sshd.Host("web-1")
	h.MaxBodies = 1
	_, base := serving(t, "--hosts", yamlOf(t, h), "--state", t.TempDir())
	base += "/v1/hosts/web-1/files" + sshd.Root

	body, feed := io.Pipe()
	first := make(chan int, 1)
	go func() {
		status, _ := request("PUT", base+"/first", body)
		first <- status
	}()
	if _, err := feed.Write([]byte("asked for")); err != nil {
		t.Fatal(err)
	}
	res, answer := refused(t, "PUT", base+"/second", strings.Repeat("x", 1<<20))
	wantRefused(t, res, answer, http.StatusTooManyRequests, "too-many", "host web-1 takes one request body at once", true)
	feed.Close()
	if status := wait.Receive(t, "the first one", first); status != http.StatusCreated {
		t.Errorf("the first one: %d", status)
	}
	if res, answer := refused(t, "PUT", base+"/second", strings.Repeat("x", 1<<20)); res.StatusCode != http.StatusCreated {
		t.Errorf("%s %v", res.Status, answer)
	}
}

func TestQuotaOverHTTP(t *testing.T) {
	t.Parallel()
	sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	_, base := serving(t, "--hosts", yamlOf(t, sshd.Host("web-1")), "--state", t.TempDir(), "--user-quota", "8MiB")
	open := func(name string, size int) (*http.Response, map[string]any) {
		return refused(t, "POST", base+"/v1/uploads", fmt.Sprintf(`{"host":"web-1","path":%q,"size":%d}`, filepath.Join(sshd.Root, name), size))
	}
	res, answer := open("a", 9*mib)
	wantRefused(t, res, answer, http.StatusInsufficientStorage, "quota", "8.0 MiB together", false)
	if res, answer = open("a", 5*mib); res.StatusCode != http.StatusCreated {
		t.Fatalf("%s %v", res.Status, answer)
	}
	res, answer = open("b", 5*mib)
	wantRefused(t, res, answer, http.StatusInsufficientStorage, "quota", "hold 5.0 MiB of the 8.0 MiB", true)
	res, answer = refused(t, "PUT", base+"/v1/hosts/web-1/files"+sshd.Root+"/c", strings.Repeat("x", 4*mib))
	wantRefused(t, res, answer, http.StatusInsufficientStorage, "quota", "hold 5.0 MiB of the 8.0 MiB", true)
}

// A body that waits for its share of the bandwidth for longer than a client may
// stand still is not cut off.
func TestWaitingForBandwidthIsNotIdle(t *testing.T) {
	t.Parallel()
	sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	_, base := serving(t, "--hosts", yamlOf(t, sshd.Host("web-1")), "--state", t.TempDir(), "--user-bandwidth", "16KiB", "--idle-timeout", "1s")
	var all []*wire
	for i := range 8 { // between two pieces of 4 KiB each of them waits two seconds
		w := dialWire(t, base)
		// All of it is sent at once: no client stands still, however slow it is.
		w.says("PUT", fmt.Sprintf("/v1/hosts/web-1/files%s/%d", sshd.Root, i), "", strings.Repeat("x", 8<<10))
		all = append(all, w)
	}
	for _, w := range all {
		if res, answer := w.hears(); res.StatusCode != http.StatusCreated {
			t.Errorf("%s %v", res.Status, answer)
		}
	}
}

// What the flag says reaches the front, where 0 would mean the default.
func TestMinBandwidth(t *testing.T) {
	t.Parallel()
	file := yamlOf(t, remotetest.StartSSHD(t, remotetest.SSHDOptions{}).Host("web-1"))
	for flag, want := range map[string]int64{"": web.DefaultMinBandwidth, "--min-bandwidth=64": 64, "--min-bandwidth=2KiB": 2 << 10, "--min-bandwidth=0": -1} {
		var c limitFlags
		parser, err := kong.New(&c, kong.Vars{"bodies": "1"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parser.Parse(strings.Fields(flag)); err != nil {
			t.Fatal(err)
		}
		serve := serveCmd{limitFlags: c, Auth: "none", Hosts: file, State: t.TempDir(),
			Listen: "127.0.0.1:0", IdleTimeout: 1, ExpireAfter: 1, FinishWait: 1}
		s, err := serve.settings(t.Context(), slog.New(slog.DiscardHandler))
		if err != nil || s.minBandwidth != want {
			t.Errorf("%q: %d, %v", flag, s.minBandwidth, err)
		}
	}
}
