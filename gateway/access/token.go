package access

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"
)

// TokenPrefix begins every upload token, so that it is told from a ticket.
const TokenPrefix = "sgu_"

// ofTokens are the operations that a token can be good for, by their letters in it.
var ofTokens = []struct {
	letter rune
	op     Operation
}{{'r', OpRead}, {'u', OpUpload}, {'c', OpCancel}}

// UploadToken is what the caller is given to go on with an upload that he opened or
// resumed; "" without a ticket. The same ticket and upload have the same token.
func (c Caller) UploadToken(uploadID string) string {
	if !c.hasTicket() {
		return ""
	}
	return c.token(uploadID).secret
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
	return Caller{Scope: scope, Credential: NewCredential(shown), Bound: true}
}

// token is the upload token that goes with the caller's ticket and an upload: the
// same again for the same two, and no way back to the ticket. It says itself which of
// the ticket's operations it is good for; since uploads know tokens by their
// hash, a token that says more is another one.
func (c Caller) token(uploadID string) Credential {
	grants := c.grants()
	mac := hmac.New(sha256.New, []byte(c.Credential.secret))
	mac.Write([]byte("sftpgate upload token\x00" + uploadID + "\x00" + grants))
	return Credential{TokenPrefix + grants + "_" + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))}
}

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

func (cr Credential) isToken() bool { return strings.HasPrefix(cr.secret, TokenPrefix) }
