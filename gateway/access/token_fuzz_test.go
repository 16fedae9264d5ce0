package access

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// FuzzToken shows anything that begins like an upload's token: it is nobody, may
// do at most what tokens can say, and does not print. A token that we make says
// what its ticket allowed, and is known to its upload alone.
func FuzzToken(f *testing.F) {
	f.Add("sgu_ruc_abc", "ticket", "u1", uint8(7))
	f.Add("sgu_rrbt*_", "", "", uint8(0))
	f.Add("sgu_", "sgu_ruc_x", "u\x00", uint8(5))
	f.Fuzz(func(t *testing.T, shown, ticket, id string, may uint8) {
		c := TokenCaller(shown)
		if c.User != "" || c.Admin || !c.Bound || c.Scope == nil || slices.Contains(c.Scope.Operations, OpTakeOver) ||
			slices.Contains(c.Scope.Operations, OpBrowse) || len(c.Scope.Operations) > len(ofTokens) {
			t.Fatalf("%q is %+v of %+v", shown, c, c.Scope)
		}
		if text := fmt.Sprintf("%v %+v %s", c, c.Credential, c.Credential); len(shown) > 8 && strings.Contains(text, shown) {
			t.Fatalf("the token is printed: %s", text)
		}
		holder := Caller{User: "alice", Scope: &Scope{}, Credential: NewCredential(ticket)}
		for i, g := range ofTokens {
			if may&(1<<i) != 0 {
				holder.Scope.Operations = append(holder.Scope.Operations, g.op)
			}
		}
		token := holder.UploadToken(id)
		if token == "" {
			if ticket != "" && !strings.HasPrefix(ticket, TokenPrefix) {
				t.Fatalf("%q got no token", ticket)
			}
			return
		}
		if got := TokenCaller(token).Scope.Operations; !slices.Equal(got, holder.Scope.Operations) {
			t.Fatalf("a ticket for %v gave a token for %v", holder.Scope.Operations, got)
		}
		hashes := holder.AddCredentials(nil, id)
		if !NewCredential(token).KnownTo(hashes) || !holder.Credential.KnownTo(hashes) || c.Credential.KnownTo(hashes) != (shown == token || shown == ticket) {
			t.Fatalf("%q, %q: the upload knows %v", shown, token, hashes)
		}
		if NewCredential(token).KnownTo(holder.AddCredentials(nil, id+"x")) {
			t.Fatal("another upload takes the token")
		}
	})
}
