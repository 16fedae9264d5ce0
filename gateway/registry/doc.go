// Package registry keeps claims, leases and the index of uploads, either in
// Redis, shared by several gateways – one server, one behind sentinels, or a
// cluster –, or in one bbolt file for a single gateway.
//
// Both stores implement gateway.Claims, gateway.Leases and gateway.Index, and
// both pass the suite in registrytest. Nothing in them is the only copy: a
// store that was flushed is rebuilt from the staging directories on the hosts.
// Only tombstones are lost then.
//
// # Keys in Redis
//
//	sftpgate:{<target key>}:claim           claim, JSON
//	sftpgate:{place:<upload id>:<offset>}:claim   the bytes that a gateway takes for a place, JSON
//	sftpgate:{<target key>}:lease           merge lease, JSON
//	sftpgate:{<upload id>}:upload           index entry or tombstone, JSON
//	sftpgate:{<sha256 of user>}:uploads     sorted set of upload ids, scored by their end of life
//	sftpgate:{pending}:uploads              sorted set of upload ids last put with Pending, scored by when
//	sftpgate:{<sha256 of alias>}:alias      the upload id last put under the alias, JSON
//	sftpgate:{ready}:gateway                nothing; written for ten seconds by whoever asks whether that can be done
//
// Each Lua script works on one key, and no other command on two, so that a
// cluster can run them. Every key has a time to live, counted by Redis' own clock.
//
// # What is damaged, or not ours
//
// The file of a single gateway is checked before it is used: that all references in
// it stay within it (bolt_pages.go), since bbolt follows them in mapped memory, where
// a wrong one ends the process; and then by bbolt's own check. A damaged file is set
// aside as registry.db.damaged-TIME, and an empty one takes its place. A fault in use
// is an error to whoever met it, and has the same consequence, once.
//
// A single value that is of another type or cannot be read counts as none, in either
// store, and is replaced by whoever writes there next; the log names it once. Only
// what a later release has written is left alone, and refused.
//
// # Fail-over
//
// Redis copies to its replicas after it has answered: what was written in the
// last moment before a master is lost can be lost with it, and a master that is
// cut off from its sentinels or its cluster may go on to answer for some seconds
// beside the new one. What that does to each value, and why it costs no byte:
//
//   - A claim that was taken is free again. Its owner takes it again with its next
//     call, under the old token; whoever comes first instead finds the owner's
//     staging directory on the host, which decides.
//   - A claim that was released stands again. Nothing on the host goes with it, so
//     that the next one who looks there replaces it.
//   - A place in an upload that was reserved for a chunk is free again: in that moment
//     two gateways can take different bytes for it.
//   - A lease may be held twice: two mergers write the same bytes.
//   - An entry is as it was one Put before, or missing until the next one. A
//     tombstone that is missing leaves what a flushed Redis leaves.
//
// While no master answers, calls fail with gateway.ErrRegistryUnavailable after
// at most about three seconds.
//
// Claims do not WAIT for a replica. It would cost little (30 µs over loopback),
// but prove nothing: another replica may be promoted, and without a replica the
// claim would have to be refused or given all the same.
//
// # Tombstones
//
// An ended entry is final: a later Put of the same upload that has not ended
// changes nothing. A gateway with an old snapshot in hand, or a request that
// was delayed on the network, thus cannot bring an ended upload back.
package registry
