// Package engine copies on a host: chunks into the part file, by the best way that the
// host has.
//
// A way is an [Engine], and there are three. They are chosen for each root by trying, best
// first: each copies a pattern to where copies go wrong, which is read back. The first one
// that proves itself there serves ([Set.Choose]), with the reasons for all of them
// ([Choice]). A choice holds until the engine fails, hosts.yaml asks for another one or the
// way to the host changes; where a better engine failed, it is tried again later on.
//
// A merge opens the engine that was chosen ([Set.Open]). What wrote to a part is named by
// [Engine].Writer, and [Lingering] tells who of those named before may still do so.
//
// What is copied where, and whether it counts, is for package merge to say, which is not
// known here.
package engine
