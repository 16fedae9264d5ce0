package main

import "flag"

// prove has the tests that walk through a matrix of faults walk through all of it
// ("make prove"). Without it they walk through a part that is always the same:
//
//	TestKilledAtEveryStep        every step; of a merge, each step by one of the engines
//	TestEngineKilledAtEveryStep  every step of a merge, each by one of the engines, another one than there
//	TestCrowdOfOpenUploads       500 uploads, not 2,000
//	TestTwoGigabytes             128 MiB by each engine, not 2 GiB
//	TestBehindTwoHosts           24 MiB by each engine, not 1 GiB
//
// What an engine does at a step is the gateway's work before it, and the host's
// in the middle of a copy; that is TestEngineKilledInMidCopy, by every engine always.
var prove = flag.Bool("prove", false, "walk through all of each matrix of faults")
