package merge_test

import "flag"

// prove has every engine go through the whole suite on every kind of server, as make
// prove does. Without it TestShellFarAway goes through 12 of its 18 tests and
// TestCopyDataAskedFor through 6: those in which they can differ from TestShell and
// TestCopyData, which always go through all, as TestStream does.
var prove = flag.Bool("prove", false, "take every engine through the whole suite on every kind of server")
