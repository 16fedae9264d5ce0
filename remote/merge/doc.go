// Package merge assembles the part file of an upload on its host, from
// committed chunks in whatever order they come, and proves it fit to be
// published.
//
// One round is: plan (pure), copy by the engine that the host has (package engine), sync
// the part, write the checkpoint, remove the merged chunks. The last two go on beside the
// next copies, and before a finish they are left to the record that says that publication
// begins and to the removal of the staging (checkpoint.go). A merge that begins afresh is
// a resume from nothing: there is no second path for recovery. Two mergers on one
// generation write the same bytes at the same places and add to one checkpoint; that costs
// work and nothing else.
//
// Lengths of chunk and part are looked at before and after each copy: over SFTP
// near the host; at a distance by the host's own shell, which copies no further
// where they are wrong, so that a batch costs one round trip (together.go).
package merge
