package examples_test

import "flag"

// prove has each uploader go through all parts of its test, and with all options that
// people use, as make prove does. What is left out without it:
//
//	every file that is interrupted     60 MiB of it, and not 32
//	TestUploaders/merging              of three whose merge is asked for as others ask for it
//	TestUploaders                      the libraries with other options (variants); but tus in
//	                                   parallel is killed, and tus of unknown length and
//	                                   tus in chunks arrive
//	TestBehindNginxUnderASubPath       all but one part of each
var prove = flag.Bool("prove", false, "take every uploader through all parts, with all its options")
