package gateway

import (
	"slices"
	"time"
)

// action is what a caller wants to do.
type action string

const (
	actList     action = "list hosts"
	actBrowse   action = "browse"
	actUpload   action = "upload"
	actSee      action = "see an upload"
	actCancel   action = "cancel"
	actTakeOver action = "take over"
)

// object is what it is to be done to; fields that do not apply are empty.
type object struct {
	host   string
	owner  string   // of the upload
	passes []string // of the upload
}

// allow is the one decision on access, asked by every call of the service. Of
// paths it says nothing: those count as the host resolves them (staging.Resolve).
func (s *Service) allow(c Caller, a action, on object) error {
	if c.Bound {
		return c.allowBound(a, on)
	}
	switch {
	case c.User == "":
		return Refuse(Unauthenticated, "no user given: authenticate first")
	case a == actTakeOver && !c.Admin:
		return Refuse(Forbidden, "only an administrator may take over another user's upload")
	case on.owner != "" && on.owner != c.User && !(c.Admin && a.ofAdmins()):
		return Refuse(Forbidden, "this upload belongs to another user")
	}
	return c.Scope.allow(a, on)
}

// allowBound lets a caller go on with the uploads that know his pass, and with
// nothing else. That they belong to his user is in the record.
func (c Caller) allowBound(a action, on object) error {
	if !a.ofPasses() || !c.Pass.knownTo(on.passes) {
		return c.tooLate()
	}
	return c.Scope.allow(a, on)
}

// tooLate says why a Bound caller is refused.
func (c Caller) tooLate() *Error {
	if c.Pass.isToken() {
		return Refuse(Unauthenticated, "the token is valid only for the upload it was issued for; ask for a ticket")
	}
	expired := "the ticket has expired"
	if !c.Expires.IsZero() {
		expired = "the ticket expired at " + c.Expires.UTC().Format(time.RFC3339)
	}
	return Refuse(Unauthenticated, "%s: it can only continue uploads that it opened; ask for a new ticket", expired)
}

// allow refuses what a ticket does not cover.
func (sc *Scope) allow(a action, on object) error {
	switch {
	case sc == nil:
		return nil
	case !slices.Contains(sc.Operations, a.operation()):
		return Refuse(Forbidden, "the ticket does not allow this operation (%s)", a.operation())
	case on.host != "" && !sc.covers(on.host):
		return Refuse(Forbidden, "the ticket is not for host %q", on.host)
	}
	return nil
}

// ofAdmins are the actions on other people's uploads that an administrator
// has: to see them and to end them, not to write into their files.
func (a action) ofAdmins() bool { return a == actSee || a == actCancel || a == actTakeOver }

// ofPasses are the actions on an upload that whoever opened it keeps.
func (a action) ofPasses() bool { return a == actSee || a == actUpload || a == actCancel }

func (a action) operation() Operation {
	switch a {
	case actBrowse:
		return OpBrowse
	case actUpload:
		return OpUpload
	case actCancel:
		return OpCancel
	case actTakeOver:
		return OpTakeOver
	}
	return OpRead
}
