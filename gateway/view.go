package gateway

import (
	"slices"
	"time"

	"sftpgate/gateway/ledger"
	"sftpgate/remote/record"
)

// view is the upload as a caller sees it, with Received or without.
func (u *upload) view(received bool) Upload {
	state := u.gen.State()
	seen := ledger.Snapshot{Amounts: u.ledger.Amounts()}
	if received {
		seen = u.ledger.Snapshot()
	}
	meta := state.Meta
	u.mu.Lock()
	defer u.mu.Unlock()
	v := Upload{
		ID: meta.ID, Host: meta.Host, Path: meta.Path, User: meta.User,
		Size: meta.Size, ChunkSize: meta.ChunkSize, Digest: (*Digest)(state.Digest()),
		State: u.state, ReceivedBytes: seen.Held, MergedBytes: seen.Merged,
		Engine: u.engine, Verified: u.verified, Error: u.failure, Notes: slices.Clone(u.notes),
		ClientID: meta.ClientID, Note: meta.Note,
		CreatedAt: meta.Created, ExpiresAt: u.expires.UTC().Truncate(time.Second),
	}
	if received {
		v.Received = seen.Spans.Pairs()
	}
	if !u.gen.Can().Durable() {
		v.Notes = append(v.Notes, "durability: degraded: this host cannot sync files to disk")
	}
	return v
}

// ended is how the upload ended; nil while it has not.
func (u *upload) ended() *Upload {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.result
}

func (u *upload) touch() {
	u.mu.Lock()
	u.touched = time.Now()
	u.mu.Unlock()
}

// use counts a body in or out, so that the upload is not forgotten meanwhile.
func (u *upload) use(n int) {
	u.mu.Lock()
	u.users += n
	u.touched = time.Now()
	u.mu.Unlock()
}

// busy reports whether the merge runs here, or the host was read just now, so
// that what is known here is hardly older than what the host would say.
func (u *upload) busy() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.leading || time.Since(u.looked) < lookEvery
}

// setState notes a step of the finish, and tells the others if it lasts.
func (u *upload) setState(s State) {
	u.mu.Lock()
	same := u.state == s
	u.state = s
	if !same {
		close(u.moved)
		u.moved = make(chan struct{})
	}
	u.mu.Unlock()
	if !same {
		u.saveSometimes(u.s.life)
	}
}

// expiresAt notes until when the claim stands; an earlier time is no news.
func (u *upload) expiresAt(at time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if at.After(u.expires) {
		u.expires = at
	}
}

// leads reports whether this gateway merges or finishes the upload just now, so
// that nobody knows more of it.
func (u *upload) leads() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.leading
}

func sumOf(d *Digest) *record.Sum { return (*record.Sum)(d) }
