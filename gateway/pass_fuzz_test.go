package gateway

import (
	"fmt"
	"math"
	"math/bits"
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
		if text := fmt.Sprintf("%v %+v %s", c, c.Pass, c.Pass); len(shown) > 8 && strings.Contains(text, shown) {
			t.Fatalf("the token is printed: %s", text)
		}
		holder := Caller{User: "alice", Scope: &Scope{}, Pass: NewPass(ticket)}
		for i, g := range ofTokens {
			if may&(1<<i) != 0 {
				holder.Scope.Operations = append(holder.Scope.Operations, g.op)
			}
		}
		token := holder.tokenFor(id)
		if token == "" {
			if ticket != "" && !strings.HasPrefix(ticket, TokenPrefix) {
				t.Fatalf("%q got no token", ticket)
			}
			return
		}
		if got := TokenCaller(token).Scope.Operations; !slices.Equal(got, holder.Scope.Operations) {
			t.Fatalf("a ticket for %v gave a token for %v", holder.Scope.Operations, got)
		}
		passes := holder.withPass(nil, id)
		if !NewPass(token).knownTo(passes) || !holder.Pass.knownTo(passes) || c.Pass.knownTo(passes) != (shown == token || shown == ticket) {
			t.Fatalf("%q, %q: the upload knows %v", shown, token, passes)
		}
		if NewPass(token).knownTo(holder.withPass(nil, id+"x")) {
			t.Fatal("another upload takes the token")
		}
	})
}

// FuzzChunkOffset: a chunk that is taken lies where index times chunk size says,
// without overflow, and within the file.
func FuzzChunkOffset(f *testing.F) {
	f.Add(int64(3), int64(8<<20), int64(25<<20), int64(1<<20))
	f.Add(int64(math.MaxInt64), int64(1), int64(-1), int64(-1))
	f.Add(int64(math.MaxInt64/2), int64(3), int64(-1), int64(3))
	f.Fuzz(func(t *testing.T, index, size, total, length int64) {
		if size < 0 || total < -1 || length < -1 {
			return // refused before: OpenRequest.check, net/http
		}
		off, err := chunkOffset(index, size, total, length)
		if err != nil {
			if code := CodeOf(err); code != InvalidRequest && code != TooLarge {
				t.Fatal(err)
			}
			return
		}
		hi, lo := bits.Mul64(uint64(index), uint64(size))
		switch {
		case index < 0, hi != 0, lo > math.MaxInt64, uint64(off) != lo, length > size, length > 0 && off > math.MaxInt64-length:
			t.Fatalf("chunk %d of %d lies at %d", index, size, off)
		case total > 0 && off >= total, total == 0 && index > 0 && length > 0:
			t.Fatalf("chunk %d of %d lies at %d, behind %d", index, size, off, total)
		}
	})
}
