// Package access decides who may do what, where.
//
// Authentication makes a [Caller]: a user, perhaps an administrator, and with a
// ticket the [Scope] that the ticket covers. [Caller.Authorize] is the one decision:
// may this caller do this [Operation] to this [Resource]? A no is a [Refusal] that
// says why, in a sentence that may be shown to the caller.
//
// A ticket expires while its uploads go on. So every upload remembers, by hashes,
// the credentials that may continue it ([Caller.AddCredentials]): the tickets that
// opened or resumed it, and for each of them a token ([Caller.UploadToken]). A caller
// with an expired ticket or with a token is Bound: he continues the uploads that
// know his credential, and does nothing else. A token never allows more than its
// ticket did.
//
// A [Credential] does not print, and only its hash leaves this package; the
// exception is the token, which its caller is given.
//
// Of paths Authorize says nothing: a path counts as the host resolves it, with all
// symbolic links, and [Caller.Paths] are what it is then held to. [Scope.CoversPath]
// and [Scope.NarrowRoots] go by spelling and are for lists alone.
//
// The package is pure: it asks no host and no registry, and keeps no state.
package access
