package web

import (
	"math"
	"strconv"
	"strings"

	"sftpgate/gateway"
)

// Range is a span of a file as a Content-Range states it.
type Range struct {
	Off int64
	Len int64 // at least 1
	// Total is the file's length, -1 where the header leaves it open ("*").
	Total int64
}

// ParseContentRange reads "bytes a-b/total" or "bytes a-b/*" (RFC 9110 §14.4).
// Everything else – another unit, signs, a beyond b, b beyond the total,
// numbers that do not fit – is invalid-request.
func ParseContentRange(text string) (Range, error) {
	r, ok := parseContentRange(text)
	if !ok {
		return Range{}, gateway.Refuse(gateway.InvalidRequest, `Content-Range must be "bytes FIRST-LAST/TOTAL" (TOTAL may be *), with FIRST ≤ LAST < TOTAL`)
	}
	return r, nil
}

func parseContentRange(text string) (Range, bool) {
	unit, rest, _ := strings.Cut(strings.Trim(text, " \t"), " ")
	span, totalText, ok := strings.Cut(rest, "/")
	if !ok || !strings.EqualFold(unit, "bytes") {
		return Range{}, false
	}
	firstText, lastText, _ := strings.Cut(span, "-")
	first, ok1 := Number(firstText)
	last, ok2 := Number(lastText)
	// last+1 must be a length: a file has at most 2^63-1 bytes.
	if !ok1 || !ok2 || first > last || last == math.MaxInt64 {
		return Range{}, false
	}
	r := Range{Off: first, Len: last - first + 1, Total: -1}
	if totalText == "*" {
		return r, true
	}
	total, ok := Number(totalText)
	if !ok || last >= total {
		return Range{}, false
	}
	r.Total = total
	return r, true
}

// Number reads a decimal number of digits only, 0 to 2^63-1.
func Number(text string) (int64, bool) {
	if text == "" || strings.Trim(text, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil
}
