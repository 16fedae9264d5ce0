// Package merge assembles the part file of an upload on its host, from
// committed chunks in whatever order they come, and proves it fit to be
// published.
//
// One round is: plan (pure), copy by an engine, sync the part, write the
// checkpoint, remove the merged chunks. A merge that begins afresh is a resume
// from nothing: there is no second path for recovery. Two mergers on one
// generation write the same bytes at the same places and add to one checkpoint;
// that costs work and nothing else.
package merge
