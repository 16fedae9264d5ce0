package main

import (
	"fmt"
	"net/url"
	"path/filepath"

	"sftpgate/gateway"
)

// The protocols of pages that somebody wrote by hand.

func init() {
	at := func(s spot, verb string) string {
		return fmt.Sprintf("/content-range/%s%s/upload/%s?make_dirs=%v&name=%s", s.host, filepath.Dir(s.path), verb, s.makeDirs, url.QueryEscape(filepath.Base(s.path)))
	}
	decisions["PUT /content-range/{host}/{dir...}"] = decision{kind: ofFile, op: gateway.OpUpload, sized: true, dialect: true, call: func(s spot) apiCall {
		return apiCall{at(s, "chunk"), content, "X-File-ID: x\nX-Chunk-Index: 0\nContent-Range: bytes 0-4/5"}
	}}
	decisions["GET /content-range/{host}/{dir...}"] = decision{kind: ofFile, op: gateway.OpUpload, dialect: true, call: func(s spot) apiCall {
		return apiCall{target: at(s, "status"), header: "X-File-ID: x"}
	}}
}
