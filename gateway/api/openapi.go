package api

import (
	_ "embed" // the description
	"net/http"
	"strconv"
	"strings"

	"sftpgate/gateway/web"
)

// description is the API in OpenAPI 3.1. Tests hold it to what the handlers answer.
//
//go:embed openapi.yaml
var description string

// rootServer is what the description says of a gateway without a prefix.
const rootServer = "servers:\n  - url: /\n"

// describe serves the description, with the server's URL as this client sees it.
func (a api) describe(w http.ResponseWriter, r *http.Request) error {
	text := description
	// Clients append a path to the server's URL, so it must not end with a slash. The
	// prefix needs no quotes in YAML.
	if prefix := web.Prefix(r); prefix != "" {
		text = strings.Replace(text, rootServer, "servers:\n  - url: "+prefix+"\n", 1)
	}
	h := w.Header()
	h.Set("Content-Type", "application/yaml") // RFC 9512
	h.Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(http.StatusOK)
	// A client that stops reading is no error; to HEAD nothing is sent.
	_, _ = w.Write([]byte(text))
	return nil
}
