package gateway

import (
	"context"
	"time"

	"sftpgate/remote/record"
)

// Clients that know no finish take the answer to their last chunk for success, and
// their chunks come to whichever gateway. So whoever took the last one must know what
// the others took. That the host says, and asking it after each chunk would cost round
// trips that nearly always tell nothing: most often one gateway takes all of a file.
//
// Each gateway therefore puts its mark under a key beside the upload's claim once a
// chunk is durable, and before it judges whether all are there. While the mark is its
// own nobody else has taken anything, and what it knows is exact; a second gateway
// replaces the mark by one for several, and from then on both ask the host. Of two that
// take the last chunks at once the one that looks at the mark later sees the other's
// chunk, which was durable by then.
//
// A mark that cannot be set is therefore an error, though the chunk is safe: who takes
// the last one would not learn of it. The client sends it again.

// several is the mark of more than one gateway.
const several = "several"

// FinishIfComplete is FinishAndWait for an upload of which every byte has arrived, at
// whichever gateway; of another one it is how it stands, without Received.
func (s *Service) FinishIfComplete(ctx context.Context, c Caller, id string, patience time.Duration) (Upload, error) {
	u, over, err := s.find(ctx, c, actUpload, id)
	switch {
	case err != nil:
		return Upload{}, err
	case over != nil:
		return *over, nil
	}
	complete := u.complete()
	if !complete && u.gen.State().Meta.Size >= 0 {
		alone, err := u.alone(ctx)
		if err == nil && !alone {
			err = u.refresh(ctx)
		}
		if err != nil {
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
	return size >= 0 && u.ledger.figures().covered.Covers(record.Span{Len: size})
}

// alone reports whether this gateway alone has taken bytes of the upload since it last
// read the host. After an error the others may not know of what it took.
func (u *upload) alone(ctx context.Context) (bool, error) {
	if !u.s.shared {
		return true, nil
	}
	key, meta := u.key+"-taken", u.gen.State().Meta
	want := Claim{Token: u.s.token, ID: meta.ID, User: meta.User, Host: meta.Host, Path: meta.Path, Since: meta.Created}
	standing, err := u.s.claims.Claim(ctx, key, want, u.s.expireAfter)
	if err == nil && standing.Token != want.Token && standing.ID != meta.ID { // of an upload that was there before
		standing, err = u.s.claims.Replace(ctx, key, standing.Token, want, u.s.expireAfter)
	}
	mine := err == nil && standing.Token == want.Token
	if err == nil && !mine && standing.Token != several {
		want.Token = several
		_, err = u.s.claims.Replace(ctx, key, standing.Token, want, u.s.expireAfter)
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	before := u.taker
	u.taker = mine
	return before && mine, err
}
