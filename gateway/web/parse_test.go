package web_test

import (
	"fmt"
	"math"
	"testing"

	"sftpgate/gateway"
	"sftpgate/gateway/web"
)

const zeroDigest = "sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:"

func TestParseDigest(t *testing.T) {
	for text, ok := range map[string]bool{
		zeroDigest:                               true,
		"sha-512=:AAAA:, " + zeroDigest + ";x=1": true,
		"SHA-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA:":                      true,
		zeroDigest + "," + zeroDigest:                                                true,
		zeroDigest + ",sha-256=:BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA":            false,
		zeroDigest + ", " + "sha-256=:AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:": false,
		"": false, "sha-512=:AAAA:": false, "sha-256": false, "sha-256=": false, "sha-256=::": false,
		"sha-256=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=": false,
		"sha-256=:AAAA:": false,
		"sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=: x": false,
		"sha-256=:AAAAAAAAAAAAAAAAAAAAAAAA\nAAAAAAAAAAAAAAAAAAA=:": false,
		"sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=":    false,
	} {
		d, err := web.ParseDigest(text)
		if (err == nil) != ok || (ok && d == nil) {
			t.Errorf("%q: %v", text, err)
		}
		if err != nil && gateway.CodeOf(err) != gateway.InvalidRequest {
			t.Errorf("%q: %v is no invalid-request", text, err)
		}
	}
}

func FuzzParseDigest(f *testing.F) {
	f.Add(zeroDigest)
	f.Add("sha-512=:AAAA:, " + zeroDigest + ";a=b")
	f.Add("sha-256=::,sha-256=:=:")
	f.Fuzz(func(t *testing.T, text string) {
		d, err := web.ParseDigest(text)
		if err != nil {
			if gateway.CodeOf(err) != gateway.InvalidRequest {
				t.Fatal(err)
			}
			return
		}
		again, err := web.ParseDigest(web.FormatDigest(*d))
		if err != nil || *again != *d {
			t.Fatalf("%q: %v", text, err)
		}
	})
}

func TestParseContentRange(t *testing.T) {
	for text, want := range map[string]web.Range{
		"bytes 0-0/1":                {Off: 0, Len: 1, Total: 1},
		"bytes 5-9/*":                {Off: 5, Len: 5, Total: -1},
		"Bytes 0-8388607/2147483648": {Off: 0, Len: 8 << 20, Total: 2 << 30},
		"bytes 0-9223372036854775806/9223372036854775807": {Off: 0, Len: math.MaxInt64, Total: math.MaxInt64},
	} {
		if got, err := web.ParseContentRange(text); err != nil || got != want {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "bytes", "bytes */10", "bytes 0-0", "bytes 0-0/", "bytes 1-0/5", "bytes 0-5/5", "bytes -1-5/9", "bytes +1-5/9",
		"bytes 0-9223372036854775807/*", "bytes 0-9223372036854775808/*", "bytes 18446744073709551616-18446744073709551617/*",
		"bytes 0-0/-1", "bytes 0-0/0", "chunks 0-0/1", "bytes  0-0/1", "bytes 0 -0/1", "bytes 0-0/1 ,", "bytes=0-0/1", "bytes 0x0-0/1", "bytes 0-0/1/1", "bytes ٣-٤/٥"} {
		if got, err := web.ParseContentRange(text); gateway.CodeOf(err) != gateway.InvalidRequest {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
}

func FuzzParseContentRange(f *testing.F) {
	for _, s := range []string{"bytes 0-0/1", "bytes 5-9/*", "bytes */3", "bytes 0-9223372036854775807/*", "bytes 1--2/3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := web.ParseContentRange(text)
		if err != nil {
			if gateway.CodeOf(err) != gateway.InvalidRequest {
				t.Fatal(err)
			}
			return
		}
		if r.Off < 0 || r.Len < 1 || r.Off > math.MaxInt64-r.Len || (r.Total != -1 && r.Off+r.Len > r.Total) {
			t.Fatalf("%q: %+v", text, r)
		}
		total := "*"
		if r.Total >= 0 {
			total = fmt.Sprint(r.Total)
		}
		if again, err := web.ParseContentRange(fmt.Sprintf("bytes %d-%d/%s", r.Off, r.Off+r.Len-1, total)); err != nil || again != r {
			t.Fatalf("%q: %+v, %v", text, again, err)
		}
	})
}
