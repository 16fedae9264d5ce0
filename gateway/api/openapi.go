package api

import (
	_ "embed" // the description
	"net/http"
	"strconv"
)

// description is the API in OpenAPI 3.1. Tests hold it to what the handlers answer.
//
//go:embed openapi.yaml
var description []byte

func (a api) describe(w http.ResponseWriter, _ *http.Request) error {
	h := w.Header()
	h.Set("Content-Type", "application/yaml") // RFC 9512
	h.Set("Content-Length", strconv.Itoa(len(description)))
	w.WriteHeader(http.StatusOK)
	// A client that stops reading is no error; to HEAD nothing is sent.
	_, _ = w.Write(description)
	return nil
}
