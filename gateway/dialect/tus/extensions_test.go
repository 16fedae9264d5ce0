package tus_test

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestCreation(t *testing.T) {
	s := start(t)
	for h, in := range map[string]string{
		"Upload-Metadata|" + named("f"):                                       "Upload-Length",
		"Upload-Length|-1|Upload-Metadata|" + named("f"):                      "Upload-Length",
		"Upload-Length|1e3|Upload-Metadata|" + named("f"):                     "Upload-Length",
		"Upload-Length|5|Upload-Defer-Length|1|Upload-Metadata|" + named("f"): "Upload-Defer-Length",
		"Upload-Defer-Length|2|Upload-Metadata|" + named("f"):                 "Upload-Defer-Length",
		"Upload-Length|5": "no file name",
		"Upload-Length|5|Upload-Metadata|filename !":                                           "Base64",
		"Upload-Length|5|Upload-Metadata|filename ZQ==,filename ZQ==":                          "twice",
		"Upload-Length|5|Upload-Metadata|,":                                                    "key",
		"Upload-Length|5|Upload-Metadata|" + named("a/b"):                                      "name",
		"Upload-Length|5|Upload-Metadata|" + named("f") + "|Upload-Concat|whole":               "Upload-Concat",
		"Upload-Length|5|Upload-Metadata|" + named("f") + ",x " + strings.Repeat("eHh4", 3000): "metadata",
	} {
		s.wants(s.ask("POST", s.endpoint, strings.Split(h, "|"), nil), 400, in)
	}
	if names := s.Names(t); len(names) > 0 {
		t.Errorf("refused creations left %q", names)
	}
	s.Write(t, "there", []byte("x"))
	s.wants(s.ask("POST", s.endpoint, header{"Upload-Length", "5", "Upload-Metadata", named("there")}, nil), 412, "exists")
	a := s.ask("POST", s.endpoint+"?if_exists=replace", header{"Upload-Length", "5", "Upload-Metadata", named("there")}, nil)
	s.wants(a, 201, "")
	s.patched(s.at(a), 0, []byte("hello"))
	s.Wants(t, "there", []byte("hello"))
	a = s.ask("POST", s.endpoint+"?name=by+query", header{"Upload-Length", "0"}, nil)
	s.wants(a, 201, "")
	s.Wants(t, "by query", nil)
}

// A full disk is for a person to hear of: after 507 clients would try without an end.
func TestCreationWithoutSpace(t *testing.T) {
	s := start(t)
	a := s.ask("POST", s.endpoint, header{"Upload-Length", strconv.Itoa(1 << 60), "Upload-Metadata", named("f")}, nil)
	s.wants(a, 413, "free some space there")
	if names := s.Names(t); len(names) > 0 {
		t.Errorf("the creation left %q", names)
	}
}

// An empty file is one POST with nothing after it.
func TestEmptyFile(t *testing.T) {
	s := start(t)
	at := s.file("f", 0)
	s.Wants(t, "f", nil)
	s.stands(at, 0)
}

func TestFolder(t *testing.T) {
	s := start(t)
	relative := func(p string) string {
		return named("x") + ",relativePath " + base64.StdEncoding.EncodeToString([]byte(p))
	}
	for p, want := range map[string]string{"docs/deep/x": "docs/deep/x", "/docs/y": "docs/y", "null": "x", "": "x"} {
		at := s.create("Upload-Length", "5", "Upload-Metadata", relative(p))
		s.patched(at, 0, []byte("hello"))
		s.Wants(t, want, []byte("hello"))
		_ = os.Remove(filepath.Join(s.Root, want))
	}
	s.wants(s.ask("POST", s.endpoint, header{"Upload-Length", "5", "Upload-Metadata", relative("docs/../../x")}, nil), 400, "")
}

func TestCreationWithUpload(t *testing.T) {
	s := start(t)
	content := noise(100)
	h := header{"Upload-Length", "100", "Upload-Metadata", named("f"), "Content-Type", octets}
	a := s.ask("POST", s.endpoint, h, content[:60])
	s.wants(a, 201, "")
	if a.Header.Get("Upload-Offset") != "60" || a.Header.Get("Upload-Expires") == "" {
		t.Errorf("%v", a.Header)
	}
	s.patched(s.at(a), 60, content[60:])
	s.Wants(t, "f", content)
	h[3] = named("whole")
	a = s.ask("POST", s.endpoint, h, content)
	s.wants(a, 201, "")
	s.Wants(t, "whole", content)
	s.wants(s.ask("POST", s.endpoint, header{"Upload-Length", "100", "Upload-Metadata", named("g"), "Content-Type", "text/plain"}, content), 415, octets)
	s.wants(s.ask("POST", s.endpoint, header{"Upload-Length", "10", "Upload-Metadata", named("g"), "Content-Type", octets}, content), 413, "")
}

func TestDeferredLength(t *testing.T) {
	s := start(t)
	content := noise(100)
	at := s.create("Upload-Defer-Length", "1", "Upload-Metadata", named("f"))
	s.patched(at, 0, content[:40])
	if a := s.stands(at, 40); a.Header.Get("Upload-Defer-Length") != "1" || a.Header.Get("Upload-Length") != "" {
		t.Errorf("%v", a.Header)
	}
	s.wants(s.patch(at, 40, content[40:], "Upload-Length", "39"), 400, "declared")
	s.patched(at, 40, content[40:60], "Upload-Length", "100")
	if a := s.stands(at, 60); a.Header.Get("Upload-Length") != "100" || a.Header.Get("Upload-Defer-Length") != "" {
		t.Errorf("%v", a.Header)
	}
	s.wants(s.patch(at, 60, content[60:], "Upload-Length", "101"), 400, "100")
	s.patched(at, 60, content[60:])
	s.Wants(t, "f", content)
	// The size may come when all bytes are there.
	at = s.create("Upload-Defer-Length", "1", "Upload-Metadata", named("g"))
	s.patched(at, 0, content)
	s.patched(at, 100, []byte{}, "Upload-Length", "100")
	s.Wants(t, "g", content)
}

func TestTermination(t *testing.T) {
	s := start(t)
	at := s.file("f", 100)
	s.patched(at, 0, noise(10))
	s.wants(ask(t, "bob", "DELETE", at, nil, nil), 403, "another user")
	s.wants(s.ask("DELETE", at, nil, nil), 204, "")
	if names := s.Names(t); len(names) > 0 {
		t.Errorf("%q is left", names)
	}
	if a := s.ask("HEAD", at, nil, nil); a.Status != 410 {
		t.Errorf("HEAD after the end: %d", a.Status)
	}
	s.wants(s.ask("DELETE", at, nil, nil), 410, "")
	s.wants(s.patch(at, 10, noise(10)), 410, "")
	s.wants(s.ask("DELETE", at+"x", nil, nil), 404, "")
	lost := s.file("lost", 100)
	s.Replace(t)
	s.wants(s.ask("DELETE", lost, nil, nil), 204, "")
	if names := s.Names(t); len(names) > 0 {
		t.Errorf("%q is left", names)
	}
	done := s.file("g", 0)
	s.wants(s.ask("DELETE", done, nil, nil), 403, "stays")
	s.Wants(t, "g", nil)
}

func TestChecksum(t *testing.T) {
	s := start(t)
	content := noise(9 << 20) // more than a segment
	at := s.file("f", len(content))
	sum256, sum5 := sha256.Sum256(content[4:8]), md5.Sum(content[8:])
	s.wants(s.patch(at, 0, content[:4], "Upload-Checksum", sha1Of([]byte("else"))), 460, "Upload-Checksum")
	s.wants(s.patch(at, 0, content[:4], "Upload-Checksum", "crc32 AAAA"), 400, "crc32")
	s.wants(s.patch(at, 0, content[:4], "Upload-Checksum", "sha1 AAAA"), 400, "Base64")
	s.stands(at, 0)
	s.patched(at, 0, content[:4], "Upload-Checksum", sha1Of(content[:4]))
	s.patched(at, 4, content[4:8], "Upload-Checksum", "sha256 "+base64.StdEncoding.EncodeToString(sum256[:]))
	s.wants(s.patch(at, 8, content[8:], "Upload-Checksum", sha1Of(content)), 460, "Upload-Checksum")
	s.stands(at, 8)
	s.patched(at, 8, content[8:], "Upload-Checksum", "md5 "+base64.StdEncoding.EncodeToString(sum5[:]))
	s.Wants(t, "f", content)
	a := s.ask("POST", s.endpoint, header{"Upload-Length", "4", "Upload-Metadata", named("g"), "Content-Type", octets, "Upload-Checksum", sha1Of([]byte("else"))}, []byte("four"))
	s.wants(a, 460, "Upload-Checksum")
}

func TestExpiration(t *testing.T) {
	s := start(t)
	a := s.ask("POST", s.endpoint, header{"Upload-Length", "10", "Upload-Metadata", named("f")}, nil)
	for what, a := range map[string]string{"POST": a.Header.Get("Upload-Expires"), "PATCH": s.patched(s.at(a), 0, noise(5)).Header.Get("Upload-Expires")} {
		at, err := http.ParseTime(a)
		if err != nil || !strings.HasSuffix(a, "GMT") || time.Until(at) < time.Hour {
			t.Errorf("%s: Upload-Expires %q, %v", what, a, err)
		}
	}
	// What nobody goes on with is removed, and not known after that.
	s.Expire(t)
	if names := s.Names(t); len(names) > 0 {
		t.Errorf("%q is left", names)
	}
	s.wants(s.ask("HEAD", s.at(a), nil, nil), 404, "")
	s.wants(s.patch(s.at(a), 5, noise(5)), 404, "")
	s.wants(s.ask("DELETE", s.at(a), nil, nil), 404, "")
}

func TestConcatenation(t *testing.T) {
	s := start(t)
	content := noise(100)
	var parts []string
	for i := range 4 {
		at := s.create("Upload-Length", "25", "Upload-Concat", "partial")
		if a := s.stands(at, 0); a.Header.Get("Upload-Concat") != "partial" || a.Header.Get("Upload-Length") != "25" {
			t.Errorf("%v", a.Header)
		}
		parts = append(parts, at)
		if i < 3 {
			s.patched(at, 0, content[25*i:25*i+25])
		}
	}
	relative := strings.ReplaceAll(strings.Join(parts, " "), s.URL, "")
	final := func(urls string, h ...string) header {
		return append(header{"Upload-Concat", "final;" + urls, "Upload-Metadata", named("f")}, h...)
	}
	s.wants(s.ask("POST", s.endpoint, final(relative), nil), 412, "incomplete")
	s.patched(parts[3], 0, content[75:])
	for urls, in := range map[string]string{"": "between 1", "/elsewhere/x": "not on this gateway", s.endpoint + "f/none": "not a partial", "http://[": "invalid URL"} {
		s.wants(s.ask("POST", s.endpoint, final(urls), nil), 400, in)
	}
	s.wants(s.ask("POST", s.endpoint, final(relative, "Upload-Length", "100"), nil), 400, "neither")
	s.Replace(t) // the parts are found without a registry
	a := s.ask("POST", s.endpoint, final(strings.Join(parts, " ")), nil)
	s.wants(a, 201, "")
	s.Wants(t, "f", content)
	at := s.at(a)
	if h := s.stands(at, 100); h.Header.Get("Upload-Concat") != "final;"+strings.Join(parts, " ") || h.Header.Get("Upload-Length") != "100" {
		t.Errorf("%v", h.Header)
	}
	s.wants(s.patch(at, 100, []byte{}), 403, "final")
	for _, part := range parts {
		s.stands(part, 25)
	}
	if again := s.ask("POST", s.endpoint, final(strings.Join(parts, " ")), nil); again.Status != 201 || s.at(again) != at {
		t.Errorf("the same request again: %d %s", again.Status, again.Text)
	}
	for _, name := range s.Names(t) {
		if strings.HasPrefix(name, ".") {
			t.Errorf("%s is left", name)
		}
	}
}
