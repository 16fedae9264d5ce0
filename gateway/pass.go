package gateway

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"
)

// Pass is a secret that a caller showed. Its hash goes into the record of each
// upload that it opens, so that the upload outlives it. It prints as nothing.
type Pass struct{ secret string }

// NewPass makes the pass of a ticket or token as it was sent.
func NewPass(shown string) Pass { return Pass{shown} }

// String keeps the secret out of logs.
func (p Pass) String() string { return "•••" }

// GoString is String.
func (p Pass) GoString() string { return p.String() }

func (p Pass) isZero() bool { return p.secret == "" }

// TokenPrefix begins every upload token, so that it is told from a ticket.
const TokenPrefix = "sgu_"

// token is the upload token that goes with a ticket and an upload: the same
// again for the same two, and no way back to the ticket. It says itself which of
// the ticket's operations it is good for; since uploads know tokens by their
// hash, a token that says more is another one.
func (p Pass) token(id, grants string) Pass {
	mac := hmac.New(sha256.New, []byte(p.secret))
	mac.Write([]byte("sftpgate upload token\x00" + id + "\x00" + grants))
	return Pass{TokenPrefix + grants + "_" + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))}
}

// ofTokens are the operations that a token can be good for, by their letters in it.
var ofTokens = []struct {
	letter rune
	op     Operation
}{{'r', OpRead}, {'u', OpUpload}, {'c', OpCancel}}

// grants are the letters of what the caller may do with an upload that he opened.
func (c Caller) grants() string {
	var letters strings.Builder
	for _, g := range ofTokens {
		if c.Scope == nil || slices.Contains(c.Scope.Operations, g.op) {
			letters.WriteRune(g.letter)
		}
	}
	return letters.String()
}

// TokenCaller is who shows the token of an upload (it begins with TokenPrefix).
// Whether any upload knows it is found out where the upload is.
func TokenCaller(shown string) Caller {
	letters, _, _ := strings.Cut(strings.TrimPrefix(shown, TokenPrefix), "_")
	scope := &Scope{Hosts: []string{AnyHost}}
	for _, g := range ofTokens {
		if strings.ContainsRune(letters, g.letter) {
			scope.Operations = append(scope.Operations, g.op)
		}
	}
	return Caller{Scope: scope, Pass: NewPass(shown), Bound: true}
}

func (p Pass) isToken() bool { return strings.HasPrefix(p.secret, TokenPrefix) }

func (p Pass) hash() string {
	sum := sha256.Sum256([]byte(p.secret))
	return hex.EncodeToString(sum[:])
}

func (p Pass) knownTo(passes []string) bool {
	return !p.isZero() && slices.Contains(passes, p.hash())
}

// maxPasses bounds how many tickets and tokens an upload remembers: as many as
// a long upload resumed now and then under fresh tickets needs.
const maxPasses = 64

// withPass adds what may go on with an upload that the caller opened.
func (c Caller) withPass(passes []string, id string) []string {
	if c.Pass.isZero() || c.Pass.isToken() {
		return passes
	}
	for _, p := range []Pass{c.Pass, c.Pass.token(id, c.grants())} {
		if !p.knownTo(passes) {
			passes = append(slices.Clone(passes), p.hash())
		}
	}
	return passes[max(0, len(passes)-maxPasses):]
}

// tokenFor is what the caller is given to go on with an upload; "" without a ticket.
func (c Caller) tokenFor(id string) string {
	if c.Pass.isZero() || c.Pass.isToken() {
		return ""
	}
	return c.Pass.token(id, c.grants()).secret
}
