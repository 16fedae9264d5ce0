package gateway

import (
	"context"

	"sftpgate/remote/merge"
)

// follow has the part hashed while it grows, where a digest was declared and
// the file is large enough to be worth it. Each takes a channel to the host, of
// which merges must not run short: beyond a few, files are hashed at their end.
func (u *upload) follow(ctx context.Context, m *merge.Merger) {
	state := u.gen.State()
	if state.Digest() == nil || state.Meta.Size < merge.FollowFrom {
		return
	}
	u.mu.Lock()
	f := u.follower
	u.mu.Unlock()
	if f.Knows(state.Epoch) {
		// One that has ended is not begun again: on a slow line the part would be
		// read from its beginning for every chunk.
		if f.Follows(state.Epoch) {
			m.Follow(ctx, f)
		}
		return
	}
	if f = merge.NewFollower(u.gen, u.logger()); f == nil || !u.s.mayFollow(u.hostID(), u.host.Config().Connections) {
		return
	}
	if !m.Follow(ctx, f) {
		u.s.followed(u.hostID())
		return
	}
	u.unfollow(f)
	u.s.workers.Go(func() {
		defer u.s.followed(u.hostID())
		f.Run(u.s.life)
	})
}

// unfollow ends the follower there is, and puts next in its place.
func (u *upload) unfollow(next *merge.Follower) {
	u.mu.Lock()
	before := u.follower
	u.follower = next
	u.mu.Unlock()
	if before != nil {
		before.Close()
	}
}

// mayFollow takes one of a host's most followers.
func (s *Service) mayFollow(host string, most int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.following[host] >= most {
		return false
	}
	s.following[host]++
	return true
}

func (s *Service) followed(host string) {
	s.mu.Lock()
	s.following[host]--
	s.mu.Unlock()
}
