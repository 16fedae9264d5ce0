package dialecttest

import "testing"

// testcase is one of the suite. It varies where a dialect's variants differ in it: how
// they write a name and cut a file, and what each has to say for its upload to be found.
type testcase struct {
	name   string
	varies bool
	run    func(*suite, *testing.T)
}

// cases are in the order in which they run: what comes before "resumed" is one
// gateway's, and the last ones leave a site that is of no more use.
func cases() []testcase {
	return []testcase{
		{"size/empty", false, size(0)},
		{"size/one byte", false, size(1)},
		{"size/one chunk", false, size(chunk)},
		{"size/one byte more", true, size(chunk + 1)},
		{"size/exactly three", false, size(3 * chunk)},
		{"size/several", true, size(5*chunk + 17)},
		{"name/not ASCII", false, named("żółć 名字.bin")},
		{"name/a URL's marks", false, named("a#b%c+d e&f=g.txt")},
		{"name/escapes", false, named("50%25 100%2F.txt")},
		{"name/a header's marks", false, named("semi;colon, comma.txt")},
		{"name/single quote", false, named("it's (1).txt")},
		{"name/double quote", false, named(`quo"te.txt`)},
		{"name/all of that", true, named(`ż名 #1%c+d&f=g%25;,'"(1).txt`)},
		{"refused names", false, (*suite).refusedNames},
		{"directory", false, (*suite).directory},
		{"target exists", true, (*suite).targetExists},
		{"replaced again", false, (*suite).replacedAgain},
		{"options", false, (*suite).options},
		{"another user's", false, (*suite).anotherUsers},
		{"superseded", false, (*suite).superseded},
		{"ten at once", false, (*suite).tenAtOnce},
		{"resumed by another gateway", true, (*suite).resumed},
		{"host down", false, (*suite).hostDown},
		{"ticket's time is over", true, (*suite).ticketsTime},
	}
}
