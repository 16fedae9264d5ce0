package main

import (
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"sftpgate/gateway/access"
)

// The access matrix: what each route needs is said here once, and every route
// that the gateway registers is asked in every way in which a ticket can be
// wrong. A route without a decision fails the test.

// kind is what a call is about, and so what a ticket has to cover.
type kind int

const (
	public    kind = iota // nobody is asked who he is
	ofCaller              // what is asked by whoever is known
	ofHosts               // all hosts that the ticket covers
	ofUploads             // all uploads that are one's own
	ofHost
	ofDirectory
	ofFile
	ofOneUpload
	ofRoom     // what is told to the user himself
	theProcess // for administrators
)

// decision is what has been decided about a route.
type decision struct {
	kind kind
	op   access.Operation
	// keeps: whoever opened the upload goes on with it when the ticket's time is over.
	keeps bool
	// admins may do it to the uploads of others.
	admins bool
	// sized calls bring bytes, or say how many there will be.
	sized bool
	call  func(s spot) apiCall
	// dialect: refusals have the shape and the status that its clients know.
	dialect bool
}

// spot is what a call is made on; what does not apply is not looked at.
type spot struct {
	host, dir, path, id string
	makeDirs            bool
}

// apiCall is a request, but for who asks.
type apiCall struct {
	target string
	body   string
	header string // "Name: value", several with a line for each, "" for none
}

// content is every file of this test.
const content = "hello"

func at(target string) func(spot) apiCall {
	return func(spot) apiCall { return apiCall{target: target} }
}

func ofUpload(rest, body, header string) func(spot) apiCall {
	return func(s spot) apiCall { return apiCall{"/v1/uploads/" + s.id + rest, body, header} }
}

var decisions = map[string]decision{
	"GET /":                     {call: at("/")},
	"GET /assets/page.css":      {call: at("/assets/page.css")},
	"GET /assets/page.js":       {call: at("/assets/page.js")},
	"GET /assets/icon.svg":      {call: at("/assets/icon.svg")},
	"GET /client/sftpgate.js":   {call: at("/client/sftpgate.js")},
	"GET /client/sftpgate.d.ts": {call: at("/client/sftpgate.d.ts")},
	"GET /healthz":              {call: at("/healthz")},
	"GET /readyz":               {call: at("/readyz")},
	"GET /openapi.yaml":         {call: at("/openapi.yaml")},
	"GET /metrics":              {kind: theProcess, op: access.OpTakeOver, call: at("/metrics")},
	"GET /v1/me":                {kind: ofCaller, call: at("/v1/me")},
	"GET /v1/hosts":             {kind: ofHosts, op: access.OpRead, call: at("/v1/hosts")},
	"GET /v1/hosts/{host}":      {kind: ofHost, op: access.OpRead, call: func(s spot) apiCall { return apiCall{target: "/v1/hosts/" + s.host} }},
	"GET /v1/uploads":           {kind: ofUploads, op: access.OpRead, call: at("/v1/uploads")},
	"POST /v1/uploads":          {kind: ofFile, op: access.OpUpload, keeps: true, sized: true, call: opening},
	"GET /v1/uploads/{id}":      {kind: ofOneUpload, op: access.OpRead, keeps: true, admins: true, call: ofUpload("", "", "")},
	"DELETE /v1/uploads/{id}":   {kind: ofOneUpload, op: access.OpCancel, keeps: true, admins: true, call: ofUpload("", "", "")},
	"PUT /v1/uploads/{id}/data": {kind: ofOneUpload, op: access.OpUpload, keeps: true, sized: true, call: ofUpload("/data", content, "Content-Range: bytes 0-4/5")},
	"POST /v1/uploads/{id}/merge": {kind: ofOneUpload, op: access.OpUpload, keeps: true, sized: true,
		call: ofUpload("/merge", "", "")},
	"GET /v1/uploads/{id}/events":         {kind: ofOneUpload, op: access.OpRead, keeps: true, admins: true, call: ofUpload("/events", "", "")},
	"POST /v1/uploads/{id}/takeover":      {kind: ofOneUpload, op: access.OpTakeOver, admins: true, call: ofUpload("/takeover", "", "")},
	"PUT /v1/uploads/{id}/chunks/{index}": {kind: ofOneUpload, op: access.OpUpload, keeps: true, sized: true, call: ofUpload("/chunks/0", content, "")},
	"GET /v1/hosts/{host}/entries": {kind: ofDirectory, op: access.OpBrowse, call: func(s spot) apiCall {
		return apiCall{target: "/v1/hosts/" + s.host + "/entries?dir=" + url.QueryEscape(s.dir)}
	}},
	"PUT /v1/hosts/{host}/files/{path...}": {kind: ofFile, op: access.OpUpload, sized: true, call: func(s spot) apiCall {
		return apiCall{fmt.Sprintf("/v1/hosts/%s/files%s?make_dirs=%v", s.host, s.path, s.makeDirs), content, ""}
	}},
}

func init() {
	for _, method := range []string{"GET", "POST", "PUT"} {
		decisions[method+" /resumable/{host}/{dir...}"] = decision{kind: ofFile, op: access.OpUpload, sized: method != "GET", dialect: true, call: flowChunk}
	}
}

// flowChunk is the one chunk of a file as Flow.js sends it, or asks for it.
func flowChunk(s spot) apiCall {
	size := len(content)
	return apiCall{target: fmt.Sprintf("/resumable/%s%s?make_dirs=%v&flowChunkNumber=1&flowChunkSize=%d&flowCurrentChunkSize=%d&flowTotalSize=%d&flowIdentifier=x&flowFilename=%s",
		s.host, filepath.Dir(s.path), s.makeDirs, size, size, size, url.QueryEscape(filepath.Base(s.path))), body: content}
}

func opening(s spot) apiCall {
	return apiCall{target: "/v1/uploads", body: fmt.Sprintf(`{"host":%q,"path":%q,"size":%d,"chunk_size":%d,"make_dirs":%v}`, s.host, s.path, len(content), len(content), s.makeDirs)}
}

func TestAccess(t *testing.T) {
	s := newAccessSite(t)
	var routes []accessRoute
	for _, pattern := range s.gate.mux.Routes() {
		d, decided := decisions[pattern]
		if !decided {
			t.Errorf("%s is registered, and nobody has said who may call it: add it to decisions", pattern)
			continue
		}
		method, _, _ := strings.Cut(pattern, " ")
		routes = append(routes, accessRoute{d, s, method, strings.ReplaceAll(pattern, "/", "|")})
	}
	// First what is refused: nothing moves on the host meanwhile.
	for _, r := range routes {
		t.Run("refused "+r.name, func(t *testing.T) {
			if r.kind == public {
				r.isPublic(t)
				return
			}
			for _, a := range r.attacks(t) {
				r.isRefused(t, a)
			}
			r.isNarrowed(t)
		})
	}
	s.nothingBegun(t)
	for _, r := range routes {
		if r.kind != public {
			t.Run("granted "+r.name, r.isGranted)
			t.Run("late "+r.name, r.outlivesItsTicket)
		}
	}
}
