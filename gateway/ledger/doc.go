// Package ledger knows which spans of an upload are held: which bytes are safe on
// the host, in chunks that are committed or merged.
//
// A body is cut by it: [Ledger.NextPiece] says whether the bytes at an offset are
// new or held. A new piece is sealed on the host, then [Ledger.BeginCommit]
// judges it: first come, first kept. What may be committed is, and
// [Ledger.EndCommit] counts it as held. The merge takes what is
// [Ledger.Unmerged] and reports it by [Ledger.MarkMerged].
//
// A ledger is a cache of what the host's directory and records say, which
// [Ledger.Reset] brings in. A yes from it may be told to a client; before a no the
// caller reads the host again. It is pure: it asks no host and no registry.
package ledger
