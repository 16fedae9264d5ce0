package tus

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// FuzzMetadata: what is read says what was written, and nothing is read twice.
func FuzzMetadata(f *testing.F) {
	f.Add("filename dGVzdA==,empty, x eA==")
	f.Add(",,")
	f.Add("relativePath Li4vLi4=")
	f.Fuzz(func(t *testing.T, text string) {
		m, err := parseMetadata(text)
		if err != nil {
			return
		}
		pairs := 0
		for pair := range strings.SplitSeq(text, ",") {
			key, value, _ := strings.Cut(strings.TrimSpace(pair), " ")
			if key == "" {
				continue
			}
			pairs++
			if got := base64.StdEncoding.EncodeToString([]byte(m[key])); got != strings.NewReplacer("\r", "", "\n", "").Replace(strings.TrimSpace(value)) {
				t.Fatalf("%q is %q", value, m[key])
			}
		}
		if pairs != len(m) {
			t.Fatalf("%q has %d keys", text, len(m))
		}
		_ = m.relativePath()
	})
}

// FuzzChecksum: what is taken is a sum of the algorithm's length.
func FuzzChecksum(f *testing.F) {
	f.Add("sha1 qvTGHdzF6KLavt4PO0gs2a6pQ00=")
	f.Add("md5 ")
	f.Add("crc32 AAAA")
	f.Fuzz(func(t *testing.T, text string) {
		if sum, err := parseChecksum(text); err == nil && sum != nil && len(sum.want) != sum.Size() {
			t.Fatalf("%q has %d bytes", text, len(sum.want))
		}
	})
}

// FuzzConcat: parts are partial uploads of this gateway, each with a host, a path and an id.
func FuzzConcat(f *testing.F) {
	f.Add("/tus/web-1/srv/a/a /tus/web-1/srv/b/b")
	f.Add("https://gate.example/tus/h/d/%2e%2e/..")
	f.Fuzz(func(t *testing.T, urls string) {
		parts, err := parseParts(httptest.NewRequest(http.MethodPost, "/tus/web-1/srv/", nil), urls)
		for _, x := range parts {
			if err == nil && (x.host == "" || x.id == "" || !x.partial() || !strings.HasPrefix(x.path, "/")) {
				t.Fatalf("%q: %+v", urls, x)
			}
		}
	})
}
