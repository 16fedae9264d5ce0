package gateway

import "time"

// State is where an upload stands.
type State string

// The states of an upload, in the order a successful one passes through them.
const (
	Receiving  State = "receiving"
	Merging    State = "merging"
	Verifying  State = "verifying"
	Publishing State = "publishing"
	Done       State = "done"
	Failed     State = "failed"
	Cancelled  State = "cancelled"
)

// Ended reports whether nothing will happen to the upload any more.
func (s State) Ended() bool { return s == Done || s == Cancelled }

// Upload is what a caller sees of one generation of an upload.
type Upload struct {
	ID   string
	Host string
	// Path is the absolute path on the host, as the host resolved its directory.
	Path string
	User string
	// Size is the file's length in bytes, -1 while it is not known.
	Size int64
	// ChunkSize is the length in bytes that an index is multiplied with, 0 while it is not fixed.
	ChunkSize int64
	State     State
	// Received holds the half-open byte ranges that are safe on the host, ascending
	// and merged; nil where the answer leaves them out.
	Received      [][2]int64
	ReceivedBytes int64
	MergedBytes   int64
	// Engine names how chunks are copied on the host: shell, stream; "" before the first copy.
	Engine string
	// Digest is the declared SHA-256 of the file, nil when none was declared.
	Digest *Digest
	// Verified says what the published file was checked against: "sha-256", the
	// whole file hashed on the host against Digest; "spans", each chunk's digest
	// on arrival and each copy's length; "" before the check.
	Verified string
	// ClientID is the id that a dialect's client gave it; "" for others.
	ClientID string
	// Note is what a dialect keeps with the upload.
	Note string
	// Error is why the last attempt to finish ended without a result.
	Error *Error
	// Token goes on with this upload when the ticket that opened it does not any
	// more. Only the answer to Open has it, and only for callers with a ticket.
	Token string
	// Notes are things a person should know: attributes that could not be kept, durability.
	Notes     []string
	CreatedAt time.Time
	// ExpiresAt is when the staging is abandoned if nothing happens until then.
	ExpiresAt time.Time
}

// Digest is a SHA-256 in binary.
type Digest [32]byte
