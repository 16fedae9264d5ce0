package access

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
)

// Credential is a secret that a caller showed: a ticket or a token. Its hash goes
// into the record of each upload that it opens, so that the upload outlives it. It
// prints as nothing.
type Credential struct{ secret string }

// NewCredential makes the credential of a ticket or token as it was sent.
func NewCredential(shown string) Credential { return Credential{shown} }

// String keeps the secret out of logs.
func (cr Credential) String() string { return "•••" }

// GoString is String.
func (cr Credential) GoString() string { return cr.String() }

func (cr Credential) isZero() bool { return cr.secret == "" }

func (cr Credential) hash() string {
	sum := sha256.Sum256([]byte(cr.secret))
	return hex.EncodeToString(sum[:])
}

// KnownTo reports whether an upload that remembers these hashes may be continued
// with the credential.
func (cr Credential) KnownTo(hashes []string) bool {
	return !cr.isZero() && slices.Contains(hashes, cr.hash())
}

// maxCredentials bounds how many tickets and tokens an upload remembers: as many as
// a long upload resumed now and then under fresh tickets needs.
const maxCredentials = 64

// AddCredentials adds to the hashes that an upload remembers those of the caller's
// ticket and of its token, where they are not among them; the oldest make room. A
// caller without a ticket adds nothing. What hashes holds is left as it is.
func (c Caller) AddCredentials(hashes []string, uploadID string) []string {
	if !c.hasTicket() {
		return hashes
	}
	for _, cr := range []Credential{c.Credential, c.token(uploadID)} {
		if !cr.KnownTo(hashes) {
			hashes = append(slices.Clone(hashes), cr.hash())
		}
	}
	return hashes[max(0, len(hashes)-maxCredentials):]
}

func (c Caller) hasTicket() bool { return !c.Credential.isZero() && !c.Credential.isToken() }
