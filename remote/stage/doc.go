// Package stage keeps an upload's staging on one host: it resolves the target
// under the host's roots, takes the claim there, commits chunks, keeps the
// records, publishes the file and cleans up. Every path on the host is made in
// layout.go.
//
// Nothing here decides who may upload or when to merge; it keeps the protocol
// that makes each step safe to be cut off at any point, and to be done twice.
package stage
