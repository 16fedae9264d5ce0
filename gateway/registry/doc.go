// Package registry keeps claims, leases and the index of uploads, either in
// Redis, shared by several gateways, or in one bbolt file for a single gateway.
//
// Both stores implement gateway.Claims, gateway.Leases and gateway.Index, and
// both pass the suite in registrytest. Nothing in them is the only copy: a
// store that was flushed is rebuilt from the staging directories on the hosts.
// Only tombstones are lost then.
//
// # Keys in Redis
//
//	sftpgate:{<target key>}:claim           claim, JSON
//	sftpgate:{<target key>}:lease           merge lease, JSON
//	sftpgate:{<upload id>}:upload           index entry or tombstone, JSON
//	sftpgate:{<sha256 of user>}:uploads     sorted set of upload ids, scored by their end of life
//	sftpgate:{pending}:uploads              sorted set of upload ids last put with Pending, scored by when
//	sftpgate:{<sha256 of alias>}:alias      the upload id last put under the alias, JSON
//
// All keys of one Lua script share a hash tag, so that a cluster can run it.
// Every key has a time to live, counted by Redis' own clock.
//
// # Tombstones
//
// An ended entry is final: a later Put of the same upload that has not ended
// changes nothing. A gateway with an old snapshot in hand, or a request that
// was delayed on the network, thus cannot bring an ended upload back.
package registry
