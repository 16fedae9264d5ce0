package api_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sftpgate/gateway/web"
	"sftpgate/remote/remotetest/await"
)

// Wrong bytes were sent for a file. What the refusal advises works: restart begins anew,
// also with the identity that stands there, and the right bytes are taken.
func TestRestartBeginsAnew(t *testing.T) {
	t.Parallel()
	g := startGate(t)
	url := g.serve(web.NoAuth(nil), 0)
	call := calls(t, url)
	at := filepath.Join(g.root, "f")
	open := `{"host":"web-1","path":"` + at + `","size":8,"chunk_size":4,"fingerprint":"f"`
	_, first := call("POST", "/v1/uploads", open+"}")
	id, _ := first["id"].(string)
	if status, answer := call("PUT", "/v1/uploads/"+id+"/chunks/0", "evil"); status != 200 {
		t.Fatalf("%d %v", status, answer)
	}
	if status, answer := call("PUT", "/v1/uploads/"+id+"/chunks/0", "good"); status != 409 || !strings.Contains(answer["detail"].(string), "restart") {
		t.Fatalf("other bytes: %d %v", status, answer)
	}
	status, second := call("POST", "/v1/uploads", open+`,"restart":true}`)
	again, _ := second["id"].(string)
	if status != 201 || again == id || second["received_bytes"] != 0.0 {
		t.Fatalf("restarted as %d %v", status, second)
	}
	for n, text := range []string{"good", "file"} {
		if status, answer := call("PUT", "/v1/uploads/"+again+"/chunks/"+string(rune('0'+n)), text); status != 200 {
			t.Fatalf("chunk %d: %d %v", n, status, answer)
		}
	}
	if status, answer := call("POST", "/v1/uploads/"+again+"/merge", ""); status != 200 && status != 202 {
		t.Fatalf("merge: %d %v", status, answer)
	}
	await.Until(t, "the file", func() bool { _, err := os.Stat(at); return err == nil })
	if text, err := os.ReadFile(at); err != nil || string(text) != "goodfile" {
		t.Errorf("it holds %q, %v", text, err)
	}
}
