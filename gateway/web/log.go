package web

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// inertLimit bounds what a client can put into a log line, in bytes.
const inertLimit = 1024

// Inert makes text that a client chose harmless in a log: one line, no control
// or direction-changing characters, bounded. What was taken out shows as "�".
func Inert(s string) string {
	cut := len(s) > inertLimit
	if cut {
		s = s[:inertLimit]
	}
	s = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return utf8.RuneError
		}
		return r
	}, s)
	if cut {
		s += "…"
	}
	return s
}
