package access_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"sftpgate/gateway/access"
)

// holder is a user with a ticket.
func holder(user, ticket string, ops ...access.Operation) access.Caller {
	return access.Caller{User: user, Credential: access.NewCredential(ticket), Scope: &access.Scope{Hosts: []string{"web-1"}, Operations: ops}}
}

func bound(c access.Caller) access.Caller {
	c.Bound = true
	return c
}

// Each caller may do to an upload what is listed here, and is refused the rest.
func TestAuthorizeUpload(t *testing.T) {
	t.Parallel()
	ticket := holder("alice", "one", access.OpRead, access.OpUpload)
	upload := access.Resource{Host: "web-1", Owner: "alice", Credentials: ticket.AddCredentials(nil, "u1")}
	all := []access.Operation{access.OpRead, access.OpBrowse, access.OpUpload, access.OpCancel}
	for _, c := range []struct {
		who    string
		caller access.Caller
		may    []access.Operation
		reason access.Reason // of what is refused
	}{
		{"nobody", access.Caller{}, nil, access.Unauthenticated},
		{"the owner", access.Caller{User: "alice"}, all, access.Forbidden},
		{"another user", access.Caller{User: "bob"}, nil, access.Forbidden},
		{"an administrator", access.Caller{User: "root", Admin: true}, []access.Operation{access.OpRead, access.OpCancel, access.OpTakeOver}, access.Forbidden},
		{"an administrator of his own", access.Caller{User: "alice", Admin: true}, access.AllOperations, access.Forbidden},
		{"an administrator whose ticket is to take over", func() access.Caller {
			c := holder("root", "root's", access.OpTakeOver)
			c.Admin = true
			return c
		}(), []access.Operation{access.OpTakeOver}, access.Forbidden},
		{"the ticket", ticket, []access.Operation{access.OpRead, access.OpUpload}, access.Forbidden},
		{"a ticket to take over, of no administrator", holder("alice", "one", access.OpTakeOver), nil, access.Forbidden},
		{"another user's ticket", holder("bob", "one", all...), nil, access.Forbidden},
		{"an expired ticket that opened another", bound(holder("alice", "two", all...)), nil, access.Unauthenticated},
		{"another upload's token", access.TokenCaller(ticket.UploadToken("u2")), nil, access.Unauthenticated},
	} {
		for _, op := range access.AllOperations {
			err := c.caller.Authorize(op, upload)
			var r *access.Refusal
			switch {
			case slices.Contains(c.may, op) != (err == nil):
				t.Errorf("%s, %s: %v", c.who, op, err)
			case err != nil && (!errors.As(err, &r) || r.Reason != c.reason):
				t.Errorf("%s, %s: refused with %+v", c.who, op, r)
			}
		}
	}
}

// An expired ticket and a token go on with the upload that knows them, as far as the
// ticket allowed, and begin nothing.
func TestAuthorizeBound(t *testing.T) {
	t.Parallel()
	ticket := holder("alice", "one", access.OpRead, access.OpUpload, access.OpBrowse)
	upload := access.Resource{Host: "web-1", Owner: "alice", Credentials: ticket.AddCredentials(nil, "u1")}
	for who, c := range map[string]access.Caller{"expired": bound(ticket), "token": access.TokenCaller(ticket.UploadToken("u1"))} {
		for op, want := range map[access.Operation]access.Reason{access.OpRead: 0, access.OpUpload: 0,
			access.OpCancel: access.Forbidden, access.OpBrowse: access.Unauthenticated, access.OpTakeOver: access.Unauthenticated} {
			var r access.Refusal
			if refused := (*access.Refusal)(nil); errors.As(c.Authorize(op, upload), &refused) {
				r = *refused
			}
			if r.Reason != want {
				t.Errorf("%s, %s: %+v", who, op, r)
			}
			if c.Authorize(op, access.Resource{Host: "web-1"}) == nil {
				t.Errorf("%s: begins something with %s", who, op)
			}
		}
		if c.CheckUnbound() == nil || c.Unbound().CheckUnbound() != nil {
			t.Errorf("%s: is taken for a valid ticket, or a valid one for it", who)
		}
	}
}

// A refusal says when the ticket expired, and tells a ticket from a token.
func TestWhyATicketIsTooLate(t *testing.T) {
	t.Parallel()
	old := bound(holder("alice", "one"))
	dated := old
	dated.Expires = time.Date(2026, 11, 27, 2, 30, 0, 0, time.UTC)
	for want, c := range map[string]access.Caller{
		"the ticket expired at 2026-11-27T02:30:00Z: it can only continue": dated, "the ticket has expired: it can only continue": old,
		"the token is valid only for the upload": access.TokenCaller(old.UploadToken("u1")),
	} {
		if r := c.RefuseBound(); r.Reason != access.Unauthenticated || !strings.HasPrefix(r.Detail, want) {
			t.Errorf("%+v does not say %q", r, want)
		}
	}
}
