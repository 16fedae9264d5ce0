package main

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// printable is text from elsewhere without what a terminal would act on: those bytes
// show as \x1b, so that a name still tells which file it is.
func printable(text string) string {
	var b strings.Builder
	for i, r := range text {
		if n := utf8.RuneLen(r); unicode.IsPrint(r) && (r != utf8.RuneError || strings.HasPrefix(text[i:], "\ufffd")) {
			b.WriteString(text[i : i+n])
			continue
		}
		n := 1
		if r != utf8.RuneError {
			n = utf8.RuneLen(r)
		}
		for _, c := range []byte(text[i : i+n]) {
			fmt.Fprintf(&b, `\x%02x`, c)
		}
	}
	return b.String()
}
