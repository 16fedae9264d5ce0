// Package limit bounds what a gateway takes in: how many request bodies at once, and
// how many bytes a second, for each user, for each host and altogether.
//
// A body passes it in two steps. [Limiter.Admit] has it wait for a place, which
// [Body.Release] gives back; where none comes free in time it is refused with a
// [FullError], unread. Then [Body.Read] gives its bytes at the pace that the
// bandwidths of its user and its host leave it.
//
// Who waits, for a place or for bytes, is served by user in turn: many bodies of one
// user get no more than one body of another. And nobody gets the last places while
// he holds many (mayTake).
//
// It counts in memory, for this gateway alone. Of hosts it knows what [Host] says,
// and of uploads and their quota nothing.
package limit
