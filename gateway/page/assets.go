package page

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"net/http"
	"time"
)

var (
	//go:embed app/page.css
	css []byte
	//go:embed app/dist/page.js
	script []byte
	//go:embed icon.svg
	icon []byte
	//go:embed client/dist/sftpgate.js
	client []byte
	//go:embed client/dist/sftpgate.d.ts
	types []byte
)

// assets are the files of the page and the client by their paths. Both are built from
// TypeScript beside them, and what is built is committed: go build needs no Node.
var assets = map[string]asset{
	"/assets/page.css":      newAsset("text/css; charset=utf-8", css),
	"/assets/page.js":       newAsset("text/javascript; charset=utf-8", script),
	"/assets/icon.svg":      newAsset("image/svg+xml", icon),
	"/client/sftpgate.js":   newAsset("text/javascript; charset=utf-8", client),
	"/client/sftpgate.d.ts": newAsset("text/plain; charset=utf-8", types),
}

// asset is a file that is the same as long as the process lives.
type asset struct {
	contentType string
	content     []byte
	etag        string
}

func newAsset(contentType string, content []byte) asset {
	sum := sha256.Sum256(content)
	return asset{contentType, content, `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`}
}

// ServeHTTP answers with the file, or 304 to who has it. Browsers keep it and ask each
// time, so that page and client are never of two versions.
func (a asset) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", a.contentType)
	h.Set("Cache-Control", "public, no-cache")
	h.Set("ETag", a.etag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(a.content))
}
