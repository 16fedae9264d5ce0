package gateway

import (
	"context"
	"crypto/rand"
	"time"

	"sftpgate/gateway/access"
	"sftpgate/remote/record"
)

// Clients that know no finish take the answer to their last chunk for success, and
// their chunks come to whichever gateway. So whoever took the last one must know what
// the others took. That the host says, and asking it after each chunk would cost round
// trips that nearly always tell nothing: most often one gateway takes all of a file.
//
// So a gateway leaves a mark of its own under a key beside the upload's claim once a
// chunk is durable, and reads the host after that. As long as the mark stands nobody
// else has taken anything, and what the gateway knows is exact. Who finds it gone, by
// another gateway or because the registry lost it, leaves a new one and reads the host
// again; each mark is another one, so that one which comes back is not taken for one
// that stayed. Of two that take the last chunks at once the one that marks later sees
// the other's chunk, which was durable by then.
//
// A mark that cannot be set is therefore an error, though the chunk is safe: who takes
// the last one would not learn of it. The client sends it again.

// markLife is how long a mark stands unless it is renewed; nothing is lost when it ends
// early but a look at the host.
const markLife = time.Hour

// FinishIfComplete is FinishAndWait for an upload of which every byte has arrived, at
// whichever gateway; of another one it is how it stands, without Received.
func (s *Service) FinishIfComplete(ctx context.Context, c access.Caller, id string, patience time.Duration) (Upload, error) {
	u, over, err := s.find(ctx, c, access.OpUpload, id)
	switch {
	case err != nil:
		return Upload{}, err
	case over != nil:
		return *over, nil
	}
	complete := u.complete()
	if !complete && u.gen.State().Meta.Size >= 0 {
		if err := u.catchUp(ctx); err != nil {
			over, err := s.settled(ctx, u, err)
			if over != nil {
				return *over, nil
			}
			return Upload{}, err
		}
		complete = u.complete()
	}
	if !complete {
		return u.view(false), nil
	}
	return s.FinishAndWait(ctx, c, id, FinishRequest{Size: record.Unknown}, patience)
}

// complete reports whether every byte has arrived, as far as is known here.
func (u *upload) complete() bool {
	size := u.gen.State().Meta.Size
	return size >= 0 && u.ledger.Snapshot().Spans.Covers(record.Span{Len: size})
}

// catchUp learns what other gateways have taken of the upload. It asks the host only
// when one of them may have taken anything since it was asked last.
func (u *upload) catchUp(ctx context.Context) error {
	if !u.s.shared {
		return nil
	}
	key := u.key + "-taken"
	if stands, err := u.markStands(ctx, key); err != nil || stands {
		return err
	}
	done, err := u.s.marking.take(ctx, key)
	if err != nil {
		return err
	}
	defer done()
	if stands, err := u.markStands(ctx, key); err != nil || stands { // another chunk's call has set it
		return err
	}
	mark, err := u.setMark(ctx, key)
	if err != nil {
		return err
	}
	if err := u.refresh(ctx); err != nil {
		return err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.marked = mark
	return nil
}

// markStands reports whether the last mark set here is still there.
func (u *upload) markStands(ctx context.Context, key Key) (bool, error) {
	u.mu.Lock()
	mark := u.marked
	u.mu.Unlock()
	if mark == "" {
		return false, nil
	}
	return u.s.claims.Renew(ctx, key, mark, markLife)
}

// setMark leaves a new mark in the place of whatever stands.
func (u *upload) setMark(ctx context.Context, key Key) (mark string, err error) {
	mark, meta := rand.Text(), u.gen.State().Meta
	want := Claim{Token: mark, ID: meta.ID, User: meta.User, Host: meta.Host, Path: meta.Path, Since: meta.Created}
	standing, err := u.s.claims.Claim(ctx, key, want, markLife)
	for err == nil && standing.Token != mark { // more than once when others mark just now
		standing, err = u.s.claims.Replace(ctx, key, standing.Token, want, markLife)
	}
	return mark, err
}
