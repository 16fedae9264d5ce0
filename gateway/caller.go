package gateway

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"

	"sftpgate/remote/stage"
)

// Caller is who asks, as authentication established it.
type Caller struct {
	User string
	// Admin may see and end the uploads of others.
	Admin bool
	// Scope narrows what the caller may do; nil: whatever the user may.
	Scope *Scope
	// Pass is the ticket or token that was shown; the zero value where there is none.
	Pass Pass
	// Bound callers may only go on with uploads that know their Pass: their
	// ticket's one fault is its age, or they show the token of an upload (then
	// User is empty, since the upload says whose it is).
	Bound bool
}

// Operation is one kind of access that a ticket can be limited to.
type Operation string

// What tickets are minted for.
const (
	OpRead     Operation = "read"     // hosts, and the state of one's own uploads
	OpBrowse   Operation = "browse"   // directory listings
	OpUpload   Operation = "upload"   // open, send, finish
	OpCancel   Operation = "cancel"   // give one's own uploads up
	OpTakeOver Operation = "takeover" // see and end the uploads of others
)

// AnyHost in Scope.Hosts stands for all of hosts.yaml.
const AnyHost = "*"

// Scope is what a ticket covers.
type Scope struct {
	// Hosts are host ids, or AnyHost.
	Hosts []string
	// Paths are absolute directories or files on the host: they and what is below
	// them, by whole components and after all symbolic links. nil: all below the
	// hosts' roots.
	Paths      []string
	Operations []Operation
	// MaxSize bounds each file, in bytes; 0: no bound.
	MaxSize int64
}

// within is what stage.Resolve is told of the scope.
func (c Caller) within() []string {
	if c.Scope == nil {
		return nil
	}
	return c.Scope.Paths
}

func (c Caller) maxSize() int64 {
	if c.Scope == nil {
		return 0
	}
	return c.Scope.MaxSize
}

// covers reports whether a host is among the ticket's.
func (sc *Scope) covers(host string) bool {
	return sc == nil || slices.Contains(sc.Hosts, host) || slices.Contains(sc.Hosts, AnyHost)
}

// names reports whether a path lies below the ticket's as they are spelled. It
// is for lists, which must not ask hosts; access is decided by stage.Resolve.
func (sc *Scope) names(p string) bool {
	return sc == nil || sc.Paths == nil || slices.ContainsFunc(sc.Paths, func(dir string) bool { return stage.Under(dir, p) })
}

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
// again for the same two, and no way back to the ticket.
func (p Pass) token(id string) Pass {
	mac := hmac.New(sha256.New, []byte(p.secret))
	mac.Write([]byte("sftpgate upload token\x00" + id))
	return Pass{TokenPrefix + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))}
}

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
	if c.Pass.isZero() || strings.HasPrefix(c.Pass.secret, TokenPrefix) {
		return passes
	}
	for _, p := range []Pass{c.Pass, c.Pass.token(id)} {
		if !p.knownTo(passes) {
			passes = append(slices.Clone(passes), p.hash())
		}
	}
	return passes[max(0, len(passes)-maxPasses):]
}

// tokenFor is what the caller is given to go on with an upload; "" without a ticket.
func (c Caller) tokenFor(id string) string {
	if c.Pass.isZero() || strings.HasPrefix(c.Pass.secret, TokenPrefix) {
		return ""
	}
	return c.Pass.token(id).secret
}
