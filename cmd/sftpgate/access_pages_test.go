package main

import (
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"sftpgate/gateway/access"
)

// The protocols of pages that somebody wrote by hand.

func init() {
	at := func(s spot, verb string) string {
		return fmt.Sprintf("/content-range/%s%s/upload/%s?make_dirs=%v&name=%s", s.host, filepath.Dir(s.path), verb, s.makeDirs, url.QueryEscape(filepath.Base(s.path)))
	}
	decisions["PUT /content-range/{host}/{dir...}"] = decision{kind: ofFile, op: access.OpUpload, sized: true, dialect: true, call: func(s spot) apiCall {
		return apiCall{at(s, "chunk"), content, "X-File-ID: x\nX-Chunk-Index: 0\nContent-Range: bytes 0-4/5"}
	}}
	decisions["GET /content-range/{host}/{dir...}"] = decision{kind: ofFile, op: access.OpUpload, dialect: true, call: func(s spot) apiCall {
		return apiCall{target: at(s, "status"), header: "X-File-ID: x"}
	}}
}

func init() {
	at := func(s spot, call string) string {
		return fmt.Sprintf("/form/%s%s/%s/?make_dirs=%v&chunk_number=0&filename=%s", s.host, filepath.Dir(s.path), call, s.makeDirs, url.QueryEscape(filepath.Base(s.path)))
	}
	// How long a file is, is not known before its upload is there: see TestUnsizedChunks.
	decisions["POST /form/{host}/{dir...}"] = decision{kind: ofFile, op: access.OpUpload, dialect: true, call: func(s spot) apiCall {
		return apiCall{at(s, "upload-chunk"), formOf("file", content), formType}
	}}
	decisions["GET /form/{host}/{dir...}"] = decision{kind: ofFile, op: access.OpUpload, dialect: true, call: func(s spot) apiCall {
		return apiCall{target: at(s, "uploaded-chunks")}
	}}
}

const formType = "Content-Type: multipart/form-data; boundary=b"

// formOf is a form with a file alone.
func formOf(name, text string) string {
	return fmt.Sprintf("--b\r\nContent-Disposition: form-data; name=%q; filename=\"blob\"\r\n\r\n%s\r\n--b--\r\n", name, text)
}

func init() {
	where := func(s spot, more string) string {
		return fmt.Sprintf("?host_id=%s&full_path=%s&make_dirs=%v%s", s.host, url.QueryEscape(s.path), s.makeDirs, more)
	}
	for call, said := range map[string]apiCall{"get_file_upload_status": {}, "get_file_dir_info": {}, "bigfile_merge": {target: "&chunk_num=0"},
		"file_chunk_upload": {target: "&chunk_num=1", body: formOf("file_info", content), header: formType}} {
		decisions["POST /panel/"+call] = decision{kind: ofFile, op: access.OpUpload, dialect: true, call: func(s spot) apiCall {
			return apiCall{"/panel/" + call + where(s, said.target), said.body, said.header}
		}}
	}
	decisions["GET /panel/progress/{chat_room}"] = decision{kind: ofRoom, op: access.OpRead, dialect: true, call: at("/panel/progress/r")}
}

// A ticket bounds a file also where nobody says how long it is.
func TestUnsizedChunks(t *testing.T) {
	t.Parallel()
	s := newAccessSite(t)
	for name, pattern := range map[string]string{"form": "POST /form/{host}/{dir...}", "panel": "POST /panel/file_chunk_upload"} {
		on := s.hers()
		on.path = filepath.Join(on.dir, name)
		method, _, _ := strings.Cut(pattern, " ")
		small := s.ticket(t, "ops", ops(access.OpUpload), "max_size", len(content)-1)
		if a := s.ask(t, s.now, method, decisions[pattern].call(on), small); a.status != 413 {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
}
