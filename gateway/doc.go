// Package gateway runs uploads: it takes them in spans, keeps their claims, drives
// the merge on the host, and publishes.
//
// It knows no HTTP, no Redis and no SSH: dialects call [Service], the registry
// implements [Claims], [Leases] and [Index], and hosts are reached through
// package staging. Who may do what is decided by package access; which spans of an
// upload are held is known to package ledger; how much is taken in at once, and how
// fast, is bounded by package limit.
//
// # Where the truth is
//
// On the host. The directory .<name>.sftpgate/ beside the target is the claim;
// the files in it say what has arrived; the records say what is merged. What
// this package keeps in memory (type upload, its [ledger.Ledger]) and what the registry
// keeps are caches: a yes may be answered from them, a no is read from the host
// again first. So any gateway may die at any point, the registry may be
// flushed, and the next request finds all there is to know.
//
// # Who may what
//
// Every call asks authorize (access.go), with what it is about, and package access
// decides; of paths it says nothing, since they count as the host resolves them
// (staging.Resolve). A ticket narrows what its user may do. When its time is over it
// is good for the uploads whose records hold its hash, and for nothing else; so is an
// upload's token.
//
// # A chunk's way
//
//	Receive: who asks, which upload, does its claim stand?        (access, confirm)
//	  → a place for the body, in its user's turn; its pace        (limit.Limiter)
//	  → the body is cut: new bytes, or bytes that are held        (ledger.NextPiece)
//	  → new: wait while the merge is too far behind, what is on   (awaitMerge)
//	         its way counted
//	         stream into an attempt, over several connections     (staging.Lanes)
//	         where the host is far; seal it: length, fsync        (staging.Attempt)
//	         first come, first kept, at each gateway and          (ledger.BeginCommit)
//	         between those that share a registry                  (reserve)
//	         rename to the name that says the content, fsync it   (Attempt.Commit)
//	  → held: compare; other bytes are refused                    (receiver.repeat)
//	  → 2xx; and the merge is told                                (announce)
//	       lease → plan → copy → fsync → checkpoint → free        (merge.Merger)
//
// The finish is the same merge run to its end, then: verify, publish,
// tombstone, remove the staging, release the claim (complete.go).
//
// # What each failure leaves behind
//
//	cut while a body streams     pieces that were whole are kept; an attempt goes with the staging
//	a host error in an attempt   the attempt is discarded: pipelined writes leave holes
//	after the rename             the chunk counts, answer or no answer
//	in a copy                    the part has bytes that the checkpoint does not name; they are copied again
//	after the fsync of the part  the same
//	after the checkpoint         chunk files of merged spans, which the next merge drops
//	before the publication       nothing is visible; the next finish goes on
//	after the publication        the record says that it had begun; the next finish recognises its own
//	                             file by its inode and completes the rest
//	before the tombstone         the same
//	after it                     staging and claim, which another gateway clears away
//	in a cancel                  the staging, moved to a name that follows from the upload's id: whoever comes
//	                             next sees there how the upload ended, notes it and clears it away (lost.go)
//
// # What nobody has to ask for
//
// The index lists what a gateway must still do by itself (Entry.Pending): a
// finish that was asked for, until its end; the clean-up behind an end. Every
// gateway looks there every two seconds and takes up what no other one holds
// the merge lease of (tend.go). So a finish goes on when its gateway died, when
// a host is back, when a disk has room again. What the index has lost is found
// on the host by the sweep (sweep.go), which reads all directories below a
// host's roots once a day, slowly, and removes what was abandoned: staging whose
// records are ours and that nothing has touched for ExpireAfter, by the host's
// clock, and whose claim has lapsed.
//
// # Invariants
//
// An acknowledged byte is in a committed chunk, or in the part within the
// checkpoint, or in the target. The checkpoint of an epoch never shrinks. The
// target is absent (or the old file) until it is whole. An inode is published
// only when no process that was given it to write to can still do so. These
// are held by replay_test.go (every prefix of the remote writes, power cut) and
// model_test.go (two gateways, step by step); killed_points_test.go of
// cmd/sftpgate ends real gateways at each step by name (package failpoint).
//
// A digest that is taken while the part grows holds for what is published: copies
// keep a stamp by which any other change of the part is seen (merge.Follower), but
// for one in the very moment of a copy.
package gateway
