package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// calls makes calls with JSON as alice, and reads the answers.
func calls(t *testing.T, url string) func(method, path, body string) (status int, answer map[string]any) {
	return func(method, path, body string) (int, map[string]any) {
		t.Helper()
		r, err := http.NewRequest(method, url+path, strings.NewReader(body))
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
		_ = json.NewDecoder(res.Body).Decode(&answer)
		return res.StatusCode, answer
	}
}
