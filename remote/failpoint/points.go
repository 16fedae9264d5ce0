package failpoint

// Point is a step that is done when it is reached.
type Point string

// A chunk's way: all of it is before the chunk is acknowledged.
const (
	ChunkOpened    Point = "chunk.opened"     // its attempt stands in staging, empty
	ChunkFilled    Point = "chunk.filled"     // all bytes are written
	ChunkSynced    Point = "chunk.synced"     // and durable, under the attempt's name
	ChunkRenamed   Point = "chunk.renamed"    // it has the name that counts
	ChunkDirSynced Point = "chunk.dir-synced" // which is durable, too
)

// A merge.
const (
	MergeWriter       Point = "merge.writer-recorded" // the record names the process that will write
	MergeCopied       Point = "merge.copied"          // a batch is in the part
	MergePartSynced   Point = "merge.part-synced"     // and durable there
	MergeCheckpointed Point = "merge.checkpointed"    // the record says so
	MergeFreed        Point = "merge.freed"           // its chunk files are gone
)

// A finish.
const (
	FinishWish         Point = "finish.wish-recorded"     // the record says that it was asked for
	FinishNoted        Point = "finish.wish-noted"        // so does the index
	FinishVerified     Point = "finish.verified"          // the file is right
	FinishIntent       Point = "finish.intent-recorded"   // the record says that publication has begun
	FinishPublished    Point = "finish.published"         // the target is there
	FinishDirSynced    Point = "finish.dir-synced"        // and durable
	FinishTombstone    Point = "finish.tombstone-written" // the index has the result
	FinishMovedAway    Point = "finish.moved-away"        // the staging has a name that counts for nothing
	FinishRemoved      Point = "finish.staging-removed"   // it is gone
	FinishClaimRelease Point = "finish.claim-released"    // the path is free
)

// All lists the points in the order in which an upload comes by them.
func All() []Point {
	return []Point{
		ChunkOpened, ChunkFilled, ChunkSynced, ChunkRenamed, ChunkDirSynced,
		MergeWriter, MergeCopied, MergePartSynced, MergeCheckpointed, MergeFreed,
		FinishWish, FinishNoted, FinishVerified, FinishIntent, FinishPublished, FinishDirSynced,
		FinishTombstone, FinishMovedAway, FinishRemoved, FinishClaimRelease,
	}
}
