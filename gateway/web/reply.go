package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"sftpgate/gateway"
)

// Reply answers with v as JSON.
func Reply(w http.ResponseWriter, r *http.Request, status int, v any) error {
	body, err := JSON(v)
	if err != nil {
		return fmt.Errorf("encode the answer: %w", err)
	}
	writeBody(w, r, status, "application/json", body)
	return nil
}

// JSON encodes v on one line. It leaves &, < and > as they are, so that a command
// in it can be copied: no answer of the gateway is taken for HTML.
func JSON(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return b.Bytes(), err
}

// writeBody writes a whole answer. A client that does not read it is not an
// error of this side: the connection ends by its deadline.
func writeBody(w http.ResponseWriter, r *http.Request, status int, contentType string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body)
	}
}

// DecodeJSON reads one JSON value from r's body into v, strictly: a field that
// v does not have, or anything after the value, is invalid-request and named;
// more than limit bytes are too-large. It reports false for an empty body.
func DecodeJSON(r *http.Request, limit int64, v any) (bool, error) {
	text, err := JSONText(r, limit)
	if err != nil {
		return false, err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err = d.Decode(v); err == nil {
		err = endOfJSON(d)
	} else if errors.Is(err, io.EOF) {
		return false, nil
	}
	if err != nil {
		return false, explainJSON(err)
	}
	return true, nil
}

var errTrailing = errors.New("there is data after the JSON object")

func endOfJSON(d *json.Decoder) error {
	_, err := d.Token()
	switch {
	case errors.Is(err, io.EOF):
		return nil
	case err == nil:
		return errTrailing
	}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return errTrailing
	}
	return err
}

func explainJSON(err error) error {
	var (
		typ    *json.UnmarshalTypeError
		syntax *json.SyntaxError
	)
	switch {
	case errors.As(err, &typ) && typ.Field == "":
		return gateway.Refuse(gateway.InvalidRequest, "the body must be a JSON object, not %s", typ.Value)
	case errors.As(err, &typ):
		return gateway.Refuse(gateway.InvalidRequest, "%q was sent as %s; it must be %s", typ.Field, typ.Value, jsonName(typ.Type.Kind().String()))
	case errors.As(err, &syntax):
		return gateway.Refuse(gateway.InvalidRequest, "the body is not valid JSON: %v at byte %d", syntax, syntax.Offset)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return gateway.Refuse(gateway.InvalidRequest, "the body is not valid JSON: it is cut off")
	}
	if field, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return gateway.Refuse(gateway.InvalidRequest, "unknown field %s; remove it, or see the API description for the right name", field)
	}
	return gateway.Refuse(gateway.InvalidRequest, "the body cannot be read: %v", err)
}

// jsonName says a Go kind in the words of somebody who writes JSON.
func jsonName(kind string) string {
	switch {
	case strings.HasPrefix(kind, "int"):
		return "a whole number"
	case kind == "bool":
		return "true or false"
	}
	return "a " + kind
}
