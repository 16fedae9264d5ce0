package main

import (
	"encoding/base64"
	"fmt"
	"path/filepath"
	"strings"

	"sftpgate/gateway/access"
)

func init() {
	const pattern = " /tus/{host}/{dir...}"
	upload := func(header string) func(spot) apiCall {
		return func(s spot) apiCall {
			return apiCall{target: "/tus/" + s.host + s.path + "/" + s.id, header: "Tus-Resumable: 1.0.0\n" + header}
		}
	}
	decisions["OPTIONS"+pattern] = decision{call: at("/tus/web-1/srv/files/")}
	decisions["POST"+pattern] = decision{kind: ofFile, op: access.OpUpload, sized: true, dialect: true, call: tusCreation}
	decisions["HEAD"+pattern] = decision{kind: ofOneUpload, op: access.OpUpload, keeps: true, dialect: true, call: upload("")}
	decisions["PATCH"+pattern] = decision{kind: ofOneUpload, op: access.OpUpload, keeps: true, dialect: true,
		call: upload(fmt.Sprintf("Content-Type: application/offset+octet-stream\nUpload-Offset: %d", len(content)))}
	decisions["DELETE"+pattern] = decision{kind: ofOneUpload, op: access.OpCancel, keeps: true, admins: true, dialect: true, call: upload("")}
}

// tusCreation brings a whole file.
func tusCreation(s spot) apiCall {
	return apiCall{target: fmt.Sprintf("/tus/%s%s/?make_dirs=%v", s.host, filepath.Dir(s.path), s.makeDirs), body: content,
		header: strings.Join([]string{"Tus-Resumable: 1.0.0", "Content-Type: application/offset+octet-stream", fmt.Sprintf("Upload-Length: %d", len(content)),
			"Upload-Metadata: filename " + base64.StdEncoding.EncodeToString([]byte(filepath.Base(s.path)))}, "\n")}
}
