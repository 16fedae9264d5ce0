package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sftpgate/remote/remotetest"
	wait "sftpgate/remote/remotetest/await"
)

// wire is one HTTP connection, on which anything can be said.
type wire struct {
	t *testing.T
	net.Conn
	in *bufio.Reader
}

func dialWire(t *testing.T, base string) *wire {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return &wire{t, c, bufio.NewReader(c)}
}

// says sends a request as it is, but for a Content-Length where header names
// none and no other way to tell the body's end.
func (w *wire) says(method, path, header, body string) {
	w.t.Helper()
	if !strings.Contains(header, "Content-Length:") && !strings.Contains(header, "Transfer-Encoding:") {
		header += fmt.Sprintf("Content-Length: %d\r\n", len(body))
	}
	if _, err := fmt.Fprintf(w, "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\n%s\r\n%s", method, path, header, body); err != nil {
		w.t.Fatalf("%s %s: %v", method, path, err)
	}
}

// hears reads the answer to it.
func (w *wire) hears() (*http.Response, map[string]any) {
	w.t.Helper()
	res, err := http.ReadResponse(w.in, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	var answer map[string]any
	_ = json.NewDecoder(res.Body).Decode(&answer)
	return res, answer
}

func (w *wire) asks(method, path, header, body string) (*http.Response, map[string]any) {
	w.t.Helper()
	w.says(method, path, header, body)
	return w.hears()
}

// opens begins an upload and returns its path in the API.
func (w *wire) opens(target, what string) string {
	w.t.Helper()
	res, answer := w.asks("POST", "/v1/uploads", "", fmt.Sprintf(`{"host":"web-1","path":%q%s}`, target, what))
	if res.StatusCode != 201 {
		w.t.Fatalf("open %s: %d %v", what, res.StatusCode, answer)
	}
	return "/v1/uploads/" + answer["id"].(string)
}

// filesOf lists what staging holds below dir, the records left out, and whatever
// is visible there.
func filesOf(dir string) (names []string) {
	_ = filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() && !strings.HasPrefix(e.Name(), "record.") {
			names = append(names, name)
		}
		return nil
	})
	return names
}

// nonsense is a request with a number that makes no sense or is too large for
// any file, and how it is refused.
type nonsense struct {
	status                     int
	method, path, header, body string
}

const streamed = "Transfer-Encoding: chunked\r\n"

// inPieces is a body whose length is not declared.
func inPieces(body string) string { return fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body) }

var thousand = strings.Repeat("k", 1000)

// nonsenseOpened are requests to begin an upload.
func nonsenseOpened(target string) (all []nonsense) {
	for what, status := range map[string]int{
		`"size":-1`: 400, `"size":-9223372036854775808`: 400, `"size":9223372036854775807`: 413, `"size":1152921504606846977`: 413,
		`"size":9223372036854775808`: 400, `"size":1e30`: 400, `"size":0.5`: 400, `"size":"1"`: 400, `"size":1,"chunk_size":0`: 400,
		`"chunk_size":0`: 400, `"chunk_size":-1`: 400, `"chunk_size":-9223372036854775808`: 400,
		`"chunk_size":1099511627777`: 400, `"chunk_size":9223372036854775807`: 400, `"chunk_size":9223372036854775808`: 400,
	} {
		all = append(all, nonsense{status, "POST", "/v1/uploads", "", fmt.Sprintf(`{"host":"web-1","path":%q,%s}`, target, what)})
	}
	return all
}

// nonsenseSized are requests for an upload of 3500 bytes in chunks of 1000.
func nonsenseSized(upload string) (all []nonsense) {
	chunk, k := upload+"/chunks/", thousand
	for _, index := range []string{"4", "5", "-1", "+1", "1e2", "0x1", "1.5", "9223372036854775", "9223372036854775806",
		"9223372036854775807", "9223372036854775808", "18446744073709551616", "99999999999999999999999"} {
		all = append(all, nonsense{400, "PUT", chunk + index, "", k}, nonsense{400, "PUT", chunk + index, streamed, inPieces(k)})
	}
	for _, r := range []string{
		"", "bytes", "bytes 0-999", "bytes 0-999/", "bytes */3500", "bytes 0-999/-1", "bytes -1-998/3500", "bytes --1-998/3500", "bytes 999-0/3500",
		"bytes 0-999/999", "bytes 0-999/3501", "bytes 0-999/9223372036854775808", "bytes 0-9223372036854775807/*",
		"bytes 9223372036854774808-9223372036854775807/*", "bytes 0-18446744073709551615/*", "bytes 3501-4500/*", "items 0-999/3500",
		"bytes=0-999/3500", "bytes 0x0-999/3500", "bytes 0-999/3500, bytes 0-999/3500", "bytes 0-9/3500", "bytes 0-1000/3500", "bytes 0 - 999/3500",
	} {
		all = append(all, nonsense{400, "PUT", upload + "/data", "Content-Range: " + r + "\r\n", k})
	}
	for _, size := range []string{"-1", "3501", "9223372036854775807", "9223372036854775808"} {
		all = append(all, nonsense{400, "POST", upload + "/merge", "", `{"size":` + size + `}`})
	}
	const whole = "Content-Range: bytes 0-999/3500\r\n"
	return append(all,
		nonsense{413, "PUT", chunk + "0", "", k + "x"}, nonsense{413, "PUT", chunk + "0", streamed, inPieces(k + "x")},
		nonsense{413, "PUT", chunk + "3", streamed, inPieces(k)}, nonsense{413, "PUT", chunk + "3", "", k},
		nonsense{400, "PUT", chunk + "0", "", k[1:]}, nonsense{400, "PUT", chunk + "3", "", k[:499]}, nonsense{400, "PUT", chunk + "0", "", ""},
		nonsense{400, "PUT", chunk + "0", whole, k}, nonsense{400, "PUT", upload + "/data", whole + whole, k},
		nonsense{413, "PUT", upload + "/data", "Content-Range: bytes 3000-3999/*\r\n", k},
		nonsense{413, "PUT", upload + "/data", streamed + "Content-Range: bytes 0-99/3500\r\n", inPieces(k)})
}

// nonsenseOpen are requests for uploads of unknown size; the chunks of one have
// the largest size there may be.
func nonsenseOpen(upload, wide string) (all []nonsense) {
	chunk, k := wide+"/chunks/", thousand
	for _, r := range []string{"9223372036854774806-9223372036854775805/*", "9223372036854774806-9223372036854775805/9223372036854775806",
		"0-999/9223372036854775807", "1152921504606846976-1152921504606847975/*"} {
		all = append(all, nonsense{413, "PUT", upload + "/data", "Content-Range: bytes " + r + "\r\n", k})
	}
	for index, status := range map[string]int{"1048576": 413, "8388606": 413, "8388607": 400, "8388608": 400, "9223372036854775807": 400} {
		all = append(all, nonsense{status, "PUT", chunk + index, "", k}, nonsense{status, "PUT", chunk + index, streamed, inPieces(k)})
	}
	return append(all, nonsense{400, "PUT", upload + "/chunks/1", "", k},
		nonsense{413, "POST", upload + "/merge", "", `{"size":9223372036854775807}`})
}

// Sizes, places and lengths that make no sense: each is refused, nothing of it
// stays on the host, and the connection, on which more than the others' requests
// come, goes on.
func TestNumbersThatMakeNoSense(t *testing.T) {
	sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	_, base := serving(t, "--hosts", yamlOf(t, sshd.Host("web-1")), "--state", t.TempDir())
	w, other := dialWire(t, base), dialWire(t, base)
	target := filepath.Join(sshd.Root, "sized")
	sized := w.opens(target, `,"size":3500,"chunk_size":1000`)
	all := append(nonsenseOpened(filepath.Join(sshd.Root, "none")), nonsenseSized(sized)...)
	all = append(all, nonsenseOpen(w.opens(filepath.Join(sshd.Root, "open"), ""), w.opens(filepath.Join(sshd.Root, "wide"), `,"chunk_size":1099511627776`))...)
	file := "/v1/hosts/web-1/files" + filepath.Join(sshd.Root, "file")
	all = append(all, nonsense{400, "PUT", file, "Content-Range: bytes 0-999/3500\r\n", thousand})
	codes := map[int]string{400: "invalid-request", 413: "too-large"}
	check := func(n nonsense, res *http.Response, answer map[string]any) {
		t.Helper()
		what := fmt.Sprintf("%s %s %.70q %.90q", n.method, n.path, n.header, n.body)
		if res.StatusCode != n.status || answer["code"] != codes[n.status] || res.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d %v, want %d", what, res.StatusCode, answer, n.status)
		}
		if left := filesOf(sshd.Root); len(left) > 0 {
			t.Fatalf("%s: it leaves %v", what, left)
		}
	}
	for _, n := range all {
		on := w
		if strings.Contains(n.header, streamed) {
			on = other
		}
		res, answer := on.asks(n.method, n.path, n.header, n.body)
		check(n, res, answer)
		if res.Close && on == w {
			t.Fatalf("%s %s %q ends the connection", n.method, n.path, n.header)
		} else if res.Close { // how much is still to come of that body nobody knows
			other = dialWire(t, base)
		}
	}
	sum := sha256.Sum256([]byte(thousand))
	declared := "Content-Digest: sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":\r\n"
	for _, n := range []nonsense{ // bodies that are shorter than they say
		{400, "PUT", file, "Content-Length: 1000\r\n", thousand[:500]},
		{400, "PUT", sized + "/chunks/0", "Content-Length: 1000\r\n" + declared, thousand[:500]},
		{400, "PUT", sized + "/data", "Content-Range: bytes 0-999/3500\r\nContent-Length: 1000\r\n" + declared, thousand[:500]},
		{413, "PUT", file, "Content-Length: 9223372036854775807\r\n", thousand},
	} {
		res, answer := dialWire(t, base).cut(n)
		check(n, res, answer)
	}
	for _, length := range []string{"-1", "+5", "0x5", "5, 6", "9223372036854775808", "5\r\nContent-Length: 6"} {
		n := nonsense{400, "PUT", file, "Content-Length: " + length + "\r\n", "12345"}
		if res, _ := dialWire(t, base).cut(n); res.StatusCode != 400 {
			t.Errorf("Content-Length %q: %d", length, res.StatusCode)
		}
	}
	if left := filesOf(sshd.Root); len(left) > 0 {
		t.Errorf("something is left: %v", left)
	}
	w.goesOn(sized, target)
}

// cut sends a request, and nothing behind it.
func (w *wire) cut(n nonsense) (*http.Response, map[string]any) {
	w.t.Helper()
	w.says(n.method, n.path, n.header, n.body)
	_ = w.Conn.(*net.TCPConn).CloseWrite()
	return w.hears()
}

// goesOn: of a body without a digest what arrived is kept; the rest makes the
// file whole.
func (w *wire) goesOn(upload, target string) {
	w.t.Helper()
	base := "http://" + w.RemoteAddr().String()
	dialWire(w.t, base).cut(nonsense{400, "PUT", upload + "/chunks/0", "Content-Length: 1000\r\n", thousand[:500]})
	if _, answer := w.asks("GET", upload, "", ""); fmt.Sprint(answer["received"]) != "[[0 500]]" {
		w.t.Errorf("received %v", answer["received"])
	}
	for i := range 4 {
		if res, answer := w.asks("PUT", fmt.Sprintf("%s/chunks/%d", upload, i), "", thousand[:min(1000, 3500-1000*i)]); res.StatusCode != 200 {
			w.t.Errorf("chunk %d: %d %v", i, res.StatusCode, answer)
		}
	}
	if res, answer := w.asks("POST", upload+"/merge", "", ""); res.StatusCode != 202 {
		w.t.Errorf("merge: %d %v", res.StatusCode, answer)
	}
	wait.Until(w.t, "the file", func() bool { return exists(target) })
	if got, err := os.ReadFile(target); err != nil || string(got) != strings.Repeat("k", 3500) {
		w.t.Errorf("%d bytes, %v", len(got), err)
	}
}
