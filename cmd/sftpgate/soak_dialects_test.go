//go:build soak

package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	wait "sftpgate/remote/remotetest/await"
)

// Clients of other protocols beside those of the API. They know a file to be done by
// the answer to their last request alone: then it must be there.

// answered is an answer of a dialect.
type answered struct {
	status int
	header http.Header
	text   string
}

// ask insists until it gets an answer that trying again does not change.
func (f *soaked) ask(method, path, kind string, body []byte, header ...string) answered {
	for try := 0; ; try++ {
		a := f.askOnce(method, path, kind, body, header)
		if a.status > 0 && a.status < 500 && a.status != 408 && a.status != 423 && a.status != 429 || try > 600 {
			return a
		}
		f.retries.Add(1)
		time.Sleep(200 * time.Millisecond)
	}
}

func (f *soaked) askOnce(method, path, kind string, body []byte, header []string) answered {
	r, err := http.NewRequest(method, f.base()+path, bytes.NewReader(body))
	if err != nil {
		f.t.Error(err)
		return answered{status: http.StatusTeapot}
	}
	r.Header.Set("X-User", f.user)
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	client := http.Client{Timeout: wait.Limit}
	res, err := client.Do(r)
	if err != nil {
		return answered{}
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return answered{}
	}
	return answered{res.StatusCode, res.Header, string(text)}
}

// there is for who was told that the file is done.
func (f *soaked) there(by string) {
	if !digestOfFileIs(f.target, f.sum) {
		f.wrong.Add(1)
		f.t.Errorf("%s was told that %s is done, and it is not there", by, f.target)
	}
}

func (f *soaked) name() string { return filepath.Base(f.target) }

// insists tries a file until it is done. Where an answer was lost together with
// Redis, the file may be found at its place.
func (f *soaked) insists(by string, try func() (done bool)) {
	for range 200 {
		if try() || digestOfFileIs(f.target, f.sum) {
			f.there(by)
			return
		}
		f.retries.Add(1)
	}
	f.t.Errorf("%s never brought %s to its end", by, f.target)
}

// tus sends it as tus-js-client does, in pieces.
func (f *soaked) tus() {
	v := []string{"Tus-Resumable", "1.0.0"}
	f.insists("tus", func() bool {
		a := f.ask("POST", "/tus/web-1"+f.sshd.Root+"/", "", nil, append(v, "Upload-Length", strconv.Itoa(len(f.content)),
			"Upload-Metadata", "filename "+base64.StdEncoding.EncodeToString([]byte(f.name())))...)
		if a.status != 201 {
			return false
		}
		at, acked := a.header.Get("Location"), 0
		for offset := 0; ; {
			if offset < len(f.content) {
				f.early()
			}
			piece := f.content[offset:min(offset+soakChunk, len(f.content))]
			a := f.ask("PATCH", at, "application/offset+octet-stream", piece, append(v, "Upload-Offset", strconv.Itoa(offset))...)
			if a.status != 204 { // its answer was lost, or something else: HEAD says how it stands
				a = f.ask("HEAD", at, "", nil, v...)
			}
			to, err := strconv.Atoi(a.header.Get("Upload-Offset"))
			if err != nil {
				f.t.Logf("tus: %s is sent from its beginning: %d %s", f.target, a.status, a.text)
				return false
			}
			if to < acked {
				f.lost.Add(1)
				f.t.Errorf("tus: %s stood at %d and stands at %d", f.target, acked, to)
			}
			if offset, acked = to, to; offset == len(f.content) {
				return true
			}
		}
	})
}

// resumable asks for each chunk and sends it, as Flow.js does.
func (f *soaked) resumable() {
	count := max(len(f.content)/soakChunk, 1)
	f.insists("Flow.js", func() bool {
		for n := 1; n <= count; n++ {
			begin, end := (n-1)*soakChunk, n*soakChunk
			if n == count {
				end = len(f.content)
			}
			q := url.Values{"flowChunkNumber": {strconv.Itoa(n)}, "flowChunkSize": {strconv.Itoa(soakChunk)}, "flowCurrentChunkSize": {strconv.Itoa(end - begin)},
				"flowTotalSize": {strconv.Itoa(len(f.content))}, "flowIdentifier": {f.name()}, "flowFilename": {f.name()}, "flowRelativePath": {f.name()}}
			path := "/resumable/web-1" + f.sshd.Root + "?" + q.Encode()
			there := f.ask("GET", path, "", nil).status == 200
			if !there && f.acked[n] { // what another gateway was sent is known a moment later
				time.Sleep(3 * time.Second)
				there = f.ask("GET", path, "", nil).status == 200
			}
			if there {
				continue
			}
			if f.acked[n] {
				f.lost.Add(1)
				f.t.Errorf("Flow.js: chunk %d of %s was acknowledged and is asked for again", n, f.target)
			}
			f.early()
			if a := f.ask("POST", path, "application/octet-stream", f.content[begin:end]); a.status != 200 {
				f.t.Logf("Flow.js: chunk %d of %s: %d %s", n, f.target, a.status, a.text)
				f.acked = map[int]bool{}
				return false
			}
			f.acked[n] = true
		}
		return true
	})
}

// form sends numbered chunks and asks for the merge.
func (f *soaked) form() {
	count := max((len(f.content)+soakChunk-1)/soakChunk, 1)
	at, asked := "/form/web-1"+f.sshd.Root, false
	f.insists("form", func() bool {
		have := f.ask("GET", at+"/uploaded-chunks/?filename="+url.QueryEscape(f.name()), "", nil).text
		for n := range count {
			if strings.Contains(have, fmt.Sprintf("[%d,", n)) || strings.Contains(have, fmt.Sprintf(",%d,", n)) {
				continue
			}
			if !asked {
				f.early()
			}
			var body bytes.Buffer
			w := multipart.NewWriter(&body)
			_ = w.WriteField("filename", f.name())
			_ = w.WriteField("chunk_number", strconv.Itoa(n))
			part, _ := w.CreateFormFile("file", "blob")
			_, _ = part.Write(f.content[n*soakChunk : min(len(f.content), (n+1)*soakChunk)])
			_ = w.Close()
			if a := f.ask("POST", at+"/upload-chunk/", w.FormDataContentType(), body.Bytes()); a.status != 200 {
				f.t.Logf("form: chunk %d of %s: %d %s", n, f.target, a.status, a.text)
				return false
			}
		}
		asked = true
		q := url.Values{"filename": {f.name()}, "total_chunks": {strconv.Itoa(count)}}
		a := f.ask("POST", at+"/merge-chunks/", "application/x-www-form-urlencoded", []byte(q.Encode()))
		if a.status != 200 {
			f.t.Logf("form: merge of %s: %d %s", f.target, a.status, a.text)
		}
		return a.status == 200
	})
}
