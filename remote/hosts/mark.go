package hosts

import "bytes"

// byteOrderMark is what some editors on Windows put before UTF-8. It is no part of
// the text.
const byteOrderMark = "\ufeff"

// Unmarked is the text of a file without the byte-order mark that it may begin with.
func Unmarked(text []byte) []byte {
	return bytes.TrimPrefix(text, []byte(byteOrderMark))
}

// isUTF16 reports whether text begins as files in UTF-16 do.
func isUTF16(text []byte) bool {
	return bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff"))
}
