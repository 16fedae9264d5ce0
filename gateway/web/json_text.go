package web

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"sftpgate/gateway"
)

// JSONText reads r's body, of at most limit bytes, which is to be JSON. A byte-order
// mark before it is left out, as RFC 8259 §8.1 allows.
func JSONText(r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength > limit {
		return nil, tooLong(limit)
	}
	text, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	switch {
	case int64(len(text)) > limit:
		return nil, tooLong(limit)
	case err != nil:
		return nil, err
	}
	text = unmarked(text)
	return text, ExactJSON(text)
}

// ExactJSON refuses text in which a string would be read as another one than was
// written: encoding/json puts U+FFFD for bytes that are no UTF-8 and for half a
// surrogate pair, and two names become one.
func ExactJSON(text []byte) error {
	switch {
	case !utf8.Valid(text):
		return gateway.Refuse(gateway.InvalidRequest, "the JSON is not valid UTF-8: encode it as UTF-8, file names too")
	case halfSurrogate(text):
		return gateway.Refuse(gateway.InvalidRequest, "the JSON has half a surrogate pair (\\ud800 to \\udfff), which is not a character: send both halves")
	}
	return nil
}

// halfSurrogate looks for an escape like \ud83d that no other half follows.
func halfSurrogate(text []byte) bool {
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			continue
		}
		r := escaped(text[i:])
		if !utf16.IsSurrogate(r) {
			i++ // a backslash behind a backslash begins nothing
			continue
		}
		if utf16.DecodeRune(r, escaped(text[min(i+6, len(text)):])) == utf8.RuneError {
			return true
		}
		i += 11
	}
	return false
}

// escaped is the code unit of the \uXXXX at the beginning of text, 0 where there is none.
func escaped(text []byte) rune {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0
	}
	n, err := strconv.ParseUint(string(text[2:6]), 16, 16)
	if err != nil {
		return 0
	}
	return rune(n)
}

func tooLong(limit int64) error {
	return gateway.Refuse(gateway.TooLarge, "the body is longer than the %d bytes that this call accepts", limit)
}

// unmarked is text without the byte-order mark that some editors put before it.
func unmarked(text []byte) []byte { return bytes.TrimPrefix(text, []byte("\ufeff")) }
