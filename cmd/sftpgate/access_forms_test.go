package main

import (
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"sftpgate/gateway/access"
)

// What has been decided about uploaders that send forms.
func init() {
	for _, method := range []string{"POST", "PUT"} {
		decisions[method+" /dropzone/{host}/{dir...}"] = decision{kind: ofFile, op: access.OpUpload, sized: true, dialect: true,
			call: formCall("dropzone", "dzuuid=u", "dzchunkindex=0", "dztotalfilesize=5", "dzchunksize=5", "dztotalchunkcount=1", "dzchunkbyteoffset=0")}
		decisions[method+" /webuploader/{host}/{dir...}"] = decision{kind: ofFile, op: access.OpUpload, sized: true, dialect: true, call: formCall("webuploader", "size=5")}
		decisions[method+" /plupload/{host}/{dir...}"] = decision{kind: ofFile, op: access.OpUpload, sized: true, dialect: true, call: formCall("plupload", "chunk=0", "chunks=1")}
	}
	const pond = " /filepond/{host}/{dir...}"
	transfer := func(body, header string) func(spot) apiCall {
		return func(s spot) apiCall {
			return apiCall{directory("filepond", s) + "&patch=transfer-00112233445566778899aabbccddeeff", body, header + "\nUpload-Name: " + filepath.Base(s.path)}
		}
	}
	decisions["POST"+pond] = decision{kind: ofFile, op: access.OpUpload, sized: true, dialect: true, call: formCall("filepond")}
	decisions["PATCH"+pond] = decision{kind: ofFile, op: access.OpUpload, sized: true, dialect: true, call: transfer(content, "Upload-Offset: 0\nUpload-Length: 5")}
	decisions["HEAD"+pond] = decision{kind: ofFile, op: access.OpUpload, dialect: true, call: transfer("", "X: x")}
	decisions["DELETE"+pond] = decision{kind: ofFile, op: access.OpUpload, dialect: true, call: transfer("transfer-ffeeddccbbaa99887766554433221100", "X: x")}
}

// formCall brings the one chunk of a file behind fields, each "name=value".
func formCall(base string, fields ...string) func(spot) apiCall {
	return func(s spot) apiCall {
		var body strings.Builder
		for _, f := range fields {
			name, value, _ := strings.Cut(f, "=")
			fmt.Fprintf(&body, "--x\r\nContent-Disposition: form-data; name=%q\r\n\r\n%s\r\n", name, value)
		}
		fmt.Fprintf(&body, "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=%q\r\n\r\n%s\r\n--x--\r\n", filepath.Base(s.path), content)
		return apiCall{directory(base, s), body.String(), "Content-Type: multipart/form-data; boundary=x"}
	}
}

// directory is where a dialect takes files for the directory of a spot.
func directory(base string, s spot) string {
	return fmt.Sprintf("/%s/%s%s?make_dirs=%v", base, s.host, (&url.URL{Path: filepath.Dir(s.path)}).EscapedPath(), s.makeDirs)
}
