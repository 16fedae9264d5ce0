package dialecttest

import "flag"

// prove has [Variants] hold every variant to the whole suite, as make prove does.
// Without it one variant goes through all cases of the suite, and the others through
// those that their requests can change the outcome of: func cases says which.
var prove = flag.Bool("prove", false, "hold every variant of a dialect to the whole suite")
