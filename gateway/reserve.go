package gateway

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"sftpgate/gateway/ledger"
	"sftpgate/remote/record"
)

// Two gateways can commit different bytes for one place in the same moment: neither has
// the other's chunk in its ledger, the names on the host differ, and both would be
// acknowledged. To look at the host again after each commit would cost round trips that
// nearly always tell nothing, and come too late: a name that is seen counts, so it cannot
// be taken back.
//
// So where the registry is shared a gateway reserves the place there before it commits,
// for the bytes that it has. Who finds it reserved for others waits for those to be seen
// on the host, which then decides: they are equal, as far as they overlap, or his are
// refused. What was committed stays reserved for a while, and no ledger is used for longer
// than that without a look at the host.
//
// What is left: pieces that begin at different places and overlap; a registry that cannot
// be asked, or loses what it was told, in that very moment; and a host that carries out a
// rename after nobody waits for it any more.
const (
	reservedFor = 2 * time.Minute
	// ledgerFor is how long a ledger is used without a look at the host; what is committed
	// later than reservedFor, less that, after its place was reserved is looked at again.
	ledgerFor = reservedFor / 2
	// seenWithin is how long what another gateway has reserved a place for is waited for,
	// and lookEach how often the host is asked.
	seenWithin = 2 * time.Second
	lookEach   = 200 * time.Millisecond
	// unaskedFor is how long a registry that did not answer is not asked again for places.
	unaskedFor = 10 * time.Second
)

// reservation is of one place; nil where none is needed.
type reservation struct {
	u    *upload
	name string
	key  Key
	at   time.Time
}

// reserve makes sure that no other gateway takes other bytes for the place of c in this
// moment. Nothing is to be committed but where it reports ledger.Fresh.
func (u *upload) reserve(ctx context.Context, p heldPiece, c record.Chunk) (*reservation, ledger.Verdict, error) {
	if !u.s.shared {
		return nil, ledger.Fresh, nil
	}
	r := &reservation{u: u, name: c.Name(), key: placeKey(u.id, c.Off), at: time.Now()}
	u.mu.Lock()
	old := r.at.Sub(u.looked) > ledgerFor
	u.mu.Unlock()
	for {
		ours, err := r.take(ctx)
		if err != nil || ours && !old {
			return r, ledger.Fresh, err
		}
		old = false
		v, seen, err := u.lookAgainAt(ctx, p, c)
		switch {
		case err != nil || v != ledger.Fresh:
			r.giveBack(ctx)
			return nil, v, err
		case ours, seen:
			return r, ledger.Fresh, nil
		case time.Since(r.at) > seenWithin:
			return nil, ledger.Conflict, &Error{Code: StillFinishing, RetryAfter: seenWithin,
				Detail: "another gateway is receiving bytes for " + c.Span.String() + ": send these again"}
		}
		if !pause(ctx, lookEach) {
			return nil, ledger.Conflict, ctx.Err()
		}
	}
}

const placePrefix = "place:"

func placeKey(id string, off int64) Key {
	return Key(placePrefix + id + ":" + strconv.FormatInt(off, 10))
}

// Place reports whether it is of a place in an upload, and not of a target.
func (k Key) Place() bool { return strings.HasPrefix(string(k), placePrefix) }

// token names the bytes, and then the gateway: another one that has the same bytes need not
// wait, and what it gives back is not ours.
func (r *reservation) token() string { return r.name + " " + r.u.s.token }

// take reports whether the place is reserved for these bytes. Where the registry does not
// answer, chunks go on, as they do without their claim, and do not wait for it one by one.
func (r *reservation) take(ctx context.Context) (bool, error) {
	s, meta := r.u.s, r.u.gen.State().Meta
	if time.Now().UnixNano() < s.unasked.Load() {
		return true, nil
	}
	standing, err := s.claims.Claim(ctx, r.key, Claim{Token: r.token(), ID: r.u.id, User: meta.User, Host: meta.Host, Path: meta.Path, Since: r.at.UTC()}, reservedFor)
	if errors.Is(err, ErrRegistryUnavailable) {
		s.unasked.Store(time.Now().Add(unaskedFor).UnixNano())
		return true, nil
	}
	return strings.HasPrefix(standing.Token, r.name+" "), explain(r.u.hostID(), err)
}

// giveBack is for bytes that were not committed: others may come for the place, and the
// same ones cut otherwise.
func (r *reservation) giveBack(ctx context.Context) {
	if r != nil {
		_ = r.u.s.claims.Release(context.WithoutCancel(ctx), r.key, r.token())
	}
}

// held makes sure that a reservation has lasted until c was on the host.
func (r *reservation) held(ctx context.Context, c record.Chunk) (ledger.Verdict, error) {
	if r == nil || time.Since(r.at) < reservedFor-ledgerFor {
		return ledger.Fresh, nil
	}
	if err := r.u.refresh(ctx); err != nil {
		return ledger.Conflict, err
	}
	v, _ := r.u.ledger.Judge(c, c) // what is beside it
	if v == ledger.Overlap {       // the merge compares them
		v = ledger.Fresh
	}
	return v, nil
}

// lookAgainAt judges a piece by what the host has now; seen: also of what is cut otherwise,
// and equal, something begins at its place.
func (u *upload) lookAgainAt(ctx context.Context, p heldPiece, c record.Chunk) (v ledger.Verdict, seen bool, err error) {
	if err := u.refresh(ctx); err != nil {
		return ledger.Conflict, false, err
	}
	v, held := u.ledger.Judge(c)
	if v != ledger.Overlap {
		return v, false, nil
	}
	for _, e := range held {
		same, err := u.sameAsHeld(ctx, p, e)
		if err != nil || !same {
			return ledger.Conflict, false, err
		}
		seen = seen || e.Off == c.Off
	}
	return ledger.Fresh, seen, nil
}
