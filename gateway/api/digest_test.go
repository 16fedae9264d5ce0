package api_test

import (
	"crypto/sha256"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sftpgate/gateway/web"
	"sftpgate/remote/remotetest/await"
)

// A digest was mistyped at the merge. What the refusal advises works: the merge is asked
// for again with the right one, and nothing is sent again.
func TestMergeWithAnotherDigest(t *testing.T) {
	t.Parallel()
	g := startGate(t)
	url := g.serve(web.NoAuth(nil), 0)
	call := calls(t, url)
	digest := func(of string) string {
		sum := sha256.Sum256([]byte(of))
		return `{"digest":"sha-256=:` + base64.StdEncoding.EncodeToString(sum[:]) + `:"}`
	}
	at := filepath.Join(g.root, "f")
	_, opened := call("POST", "/v1/uploads", `{"host":"web-1","path":"`+at+`","size":8,"chunk_size":4}`)
	id, _ := opened["id"].(string)
	for n, text := range []string{"good", "file"} {
		if status, answer := call("PUT", "/v1/uploads/"+id+"/chunks/"+string(rune('0'+n)), text); status != 200 {
			t.Fatalf("chunk %d: %d %v", n, status, answer)
		}
	}
	if status, answer := call("POST", "/v1/uploads/"+id+"/merge", digest("goodfiel")); status != 202 {
		t.Fatalf("merge: %d %v", status, answer)
	}
	var refused map[string]any
	await.Until(t, "the refusal", func() bool {
		_, now := call("GET", "/v1/uploads/"+id, "")
		refused, _ = now["error"].(map[string]any)
		return now["state"] == "failed"
	})
	if detail, _ := refused["detail"].(string); refused["code"] != "digest-mismatch" || !strings.Contains(detail, "finish again with the right one") {
		t.Fatalf("refused as %v", refused)
	}
	if status, answer := call("POST", "/v1/uploads/"+id+"/merge", digest("goodfile")); status != 200 && status != 202 {
		t.Fatalf("merge again: %d %v", status, answer)
	}
	await.Until(t, "the file", func() bool { _, err := os.Stat(at); return err == nil })
	if text, err := os.ReadFile(at); err != nil || string(text) != "goodfile" {
		t.Errorf("it holds %q, %v", text, err)
	}
}
