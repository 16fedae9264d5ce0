// Package staging keeps an upload's staging on one host: it resolves the target
// under the host's roots, takes the claim there, commits chunks, keeps the
// records, publishes the file and cleans up. Every path on the host is made in
// layout.go.
//
// How bytes and names get there fast, without a promise less:
//
//	lanes.go, stripe.go, blocks.go   a body is written over as many connections as the
//	                                 round trip calls for; an attempt is sealed when the
//	                                 host has answered for every block, on whichever
//	attempt.go                       open → fill → seal → commit, four round trips beside the bytes
//	rounds.go, dirsync.go            what several want at the same time is done once, and
//	                                 never by a run that began before one of them asked
//	advance.go                       what may wait for the next record is owed to it, and
//	                                 nothing is removed that only an owed word covers
//	burst.go, small.go               the same as in rounds.go for small files that go to one directory
//
// Nothing here decides who may upload or when to merge; it keeps the protocol
// that makes each step safe to be cut off at any point, and to be done twice.
package staging
