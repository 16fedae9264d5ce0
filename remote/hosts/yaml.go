package hosts

import "strings"

// faults are what the YAML parser says of common mistakes, and what those who made
// them can do. The first that fits counts.
var faults = []struct{ says, means string }{
	{"found character '\t'", "there is a tab here: YAML is indented with spaces alone, replace it"},
	{"mapping value is not allowed", "there is a second \": \" on this line: put the value into quotes, or each key on a line of its own"},
	{"value is not allowed in this context", "this line is indented differently from its neighbours, or has no colon: keys that belong together begin below each other"},
	{"unexpected key name", "this key stands where none belongs: look for a missing colon in the line above, and for its indentation"},
	{"double-quoted", "the quotes are not closed: end the value with \""},
	{"single-quoted", "the quotes are not closed: end the value with '"},
	{"']' must be specified", "the list is not closed: end it with ]"},
	{"'}' must be specified", "the braces are not closed: end them with }"},
	{"end token '}'", "the braces are not closed: end them with }"},
	{"end token ']'", "the list is not closed: end it with ]"},
	{"reserved character", "a value cannot begin with this character: put it into quotes"},
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
