package hosts

import "strings"

// faults are what the YAML parser says of common mistakes, and what those who made
// them can do. The first that fits counts.
var faults = []struct{ says, means string }{
	{"found character '\t'", "there is a tab here: YAML is indented with spaces only, replace it"},
	{"mapping value is not allowed", "there is a second \": \" on this line: put the value in quotes, or each key on its own line"},
	{"value is not allowed in this context", "this line is indented differently from its neighbours, or has no colon: align keys of the same mapping"},
	{"unexpected key name", "no key is allowed here: check the line above for a missing colon, and the indentation"},
	{"double-quoted", "the quotes are not closed: end the value with \""},
	{"single-quoted", "the quotes are not closed: end the value with '"},
	{"']' must be specified", "the list is not closed: end it with ]"},
	{"'}' must be specified", "the braces are not closed: end them with }"},
	{"end token '}'", "the braces are not closed: end them with }"},
	{"end token ']'", "the list is not closed: end it with ]"},
	{"reserved character", "a value cannot begin with this character: put it in quotes"},
}

// inWords says what the parser complained about.
func inWords(complaint string) string {
	for _, f := range faults {
		if strings.Contains(complaint, f.says) {
			return f.means
		}
	}
	return "this is not YAML: " + complaint
}
