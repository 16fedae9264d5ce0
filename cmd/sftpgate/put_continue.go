package main

import (
	"regexp"
	"slices"
	"strings"
)

// again is the command that continues. Files that were sent before the interruption
// are there by now.
func (s *sending) again(args []string) string {
	words := []string{"sftpgate"}
	for i, a := range args {
		secret := strings.HasPrefix(a, "--ticket=") || strings.HasPrefix(a, "--gate=") && strings.Contains(a, "@")
		switch {
		case i > 0 && (args[i-1] == "--ticket" || args[i-1] == "--gate" && strings.Contains(a, "@")):
			a = "…"
		case secret:
			a = a[:strings.Index(a, "=")] + "=…"
		case a == "--restart", strings.HasPrefix(a, "--restart="):
			continue
		}
		words = append(words, quoted(a))
	}
	sent := slices.ContainsFunc(s.outcomes, func(o outcome) bool { return o.what == wasSent })
	if sent && s.IfExists == "fail" {
		words = append(words, "--if-exists", "skip")
	}
	return strings.Join(words, " ")
}

var safeWord = regexp.MustCompile(`^[\w./:,@%+=-]+$`)

// quoted is a word as a shell takes it.
func quoted(word string) string {
	if safeWord.MatchString(word) {
		return word
	}
	if printable(word) != word { // as bash, zsh and POSIX of 2024 read it
		return "$'" + printable(strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(word)) + "'"
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
