package access

import (
	"fmt"
	"slices"
)

// Resource is what an operation is about; fields that do not apply are empty.
type Resource struct {
	Host  string
	Owner string // of the upload
	// Credentials are the hashes that the upload remembers, see AddCredentials.
	Credentials []string
}

// Reason is the kind of a Refusal.
type Reason int

// Why callers are refused.
const (
	// Unauthenticated: nobody said who asks, or what he shows is no longer good
	// for this. Other credentials may help.
	Unauthenticated Reason = iota + 1
	// Forbidden: it is known who asks, and he may not.
	Forbidden
)

// Refusal says why a caller may not do something.
type Refusal struct {
	Reason Reason
	// Detail is a sentence for the caller.
	Detail string
}

func (r *Refusal) Error() string { return r.Detail }

func refuse(reason Reason, format string, args ...any) *Refusal {
	return &Refusal{Reason: reason, Detail: fmt.Sprintf(format, args...)}
}

// Authorize decides whether the caller may do op to a resource. A no is a *Refusal.
// What it does not look at are paths and sizes: see Paths and MaxSize.
func (c Caller) Authorize(op Operation, on Resource) error {
	if c.Bound {
		return c.authorizeBound(op, on)
	}
	switch {
	case c.User == "":
		return refuse(Unauthenticated, "no user given: authenticate first")
	case op == OpTakeOver && !c.Admin:
		return refuse(Forbidden, "only an administrator may take over another user's upload")
	case on.Owner != "" && on.Owner != c.User && !(c.Admin && op.ofAdmins()):
		return refuse(Forbidden, "this upload belongs to another user")
	}
	return c.Scope.authorize(op, on.Host)
}

// authorizeBound lets a caller go on with the uploads that know his credential, and
// with nothing else. That they belong to his user is in the record.
func (c Caller) authorizeBound(op Operation, on Resource) error {
	if !op.ofCredentials() || !c.Credential.KnownTo(on.Credentials) {
		return c.RefuseBound()
	}
	return c.Scope.authorize(op, on.Host)
}

// authorize refuses what a ticket does not cover.
func (sc *Scope) authorize(op Operation, host string) error {
	switch {
	case sc == nil:
		return nil
	case !slices.Contains(sc.Operations, op):
		return refuse(Forbidden, "the ticket does not allow this operation (%s)", op)
	case host != "" && !sc.CoversHost(host):
		return refuse(Forbidden, "the ticket is not for host %q", host)
	}
	return nil
}

// ofAdmins are the operations on other people's uploads that an administrator
// has: to see them and to end them, not to write into their files.
func (op Operation) ofAdmins() bool { return op == OpRead || op == OpCancel || op == OpTakeOver }

// ofCredentials are the operations on an upload that whoever opened it keeps.
func (op Operation) ofCredentials() bool { return op == OpRead || op == OpUpload || op == OpCancel }
