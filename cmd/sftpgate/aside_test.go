package main

import (
	"bytes"
	"io"
	"net/http"
	"testing"
)

// Profiles are at an address of their own, and not where the API is.
func TestProfiles(t *testing.T) {
	t.Parallel()
	p, base := serving(t, "--hosts", hostsFile(t, aHost), "--state", t.TempDir(), "--pprof", "127.0.0.1:0")
	get := func(url string) (int, []byte) {
		res, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, body
	}
	gzip := []byte{0x1f, 0x8b} // which profiles are packed with
	address := p.logged("serving profiles")["address"].(string)
	if status, body := get("http://" + address + "/debug/pprof/heap"); status != 200 || !bytes.HasPrefix(body, gzip) {
		t.Errorf("a profile: %d, %.80q", status, body)
	}
	for header, value := range map[string]string{"Host": "evil.example", "Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"} {
		r, err := http.NewRequest("GET", "http://"+address+"/debug/pprof/heap", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set(header, value)
		if header == "Host" {
			r.Host = value
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != 403 {
			t.Errorf("a profile to who sends %s: %s: %d", header, value, res.StatusCode)
		}
	}
	if status, _ := get(base + "/debug/pprof/heap"); status != 404 {
		t.Errorf("a profile where the API is: %d", status)
	}
}
