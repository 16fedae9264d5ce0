package examples_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"

	"sftpgate/gateway/browsertest"
)

// requests are those to a dialect that the process which runs now has answered.
func (g *gateway) requests(dialect string) []browsertest.Request {
	return append(g.Requests("/"+dialect+"/"), g.Requests("/gate/"+dialect+"/")...)
}

// received is how much of the file in a directory is safe on the host, as the gateway
// sees it. Some clients send it as several uploads.
func (g *gateway) received(dir string) (sum int64) {
	g.t.Helper()
	r, err := http.NewRequest(http.MethodGet, g.url()+"/v1/uploads", http.NoBody)
	if err != nil {
		g.t.Fatal(err)
	}
	r.Header.Set("X-User", g.person)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		g.t.Fatal(err)
	}
	defer answer.Body.Close()
	var list struct {
		Uploads []struct {
			Path     string
			Received int64 `json:"received_bytes"`
		}
	}
	if err := json.NewDecoder(answer.Body).Decode(&list); err != nil {
		g.t.Fatal(err)
	}
	for _, u := range list.Uploads {
		if u.Path == dir || filepath.Dir(u.Path) == dir {
			sum += u.Received
		}
	}
	return sum
}

// begin opens an upload of somebody else by the gateway's own API.
func (g *gateway) begin(user, path string) {
	g.t.Helper()
	r, err := http.NewRequest(http.MethodPost, g.url()+"/v1/uploads", strings.NewReader(fmt.Sprintf(`{"host":"web-1","path":%q,"size":10}`, path)))
	if err != nil {
		g.t.Fatal(err)
	}
	r.Header.Set("X-User", user)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		g.t.Fatal(err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusCreated {
		g.t.Fatalf("open %s: %s", path, answer.Status)
	}
}
