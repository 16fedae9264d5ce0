package gateway

import (
	"context"
	"time"
)

const (
	// watchEvery bounds how often a watcher is told, and how late; of the end of a
	// finish he is told at once.
	watchEvery = 250 * time.Millisecond
	// watchElsewhere is how often the registry is asked for what another gateway does.
	watchElsewhere = time.Second
)

// moved reports whether there is anything to tell.
func moved(a, b Upload) bool {
	return a.State != b.State || a.ReceivedBytes != b.ReceivedBytes || a.MergedBytes != b.MergedBytes || a.Engine != b.Engine ||
		a.Size != b.Size || a.Verified != b.Verified
}

// awaitNews waits until the upload has moved here, or may have elsewhere; not
// without a pause, since merges move faster than anybody reads, unless a finish that
// runs has ended.
func (s *Service) awaitNews(ctx context.Context, u *upload, news, finished <-chan struct{}) error {
	late := time.NewTimer(watchElsewhere)
	defer late.Stop()
	select {
	case <-finished:
	case <-news:
		if finished == nil {
			finished = u.finishes() // perhaps that was the news
		}
		pause := time.NewTimer(watchEvery)
		defer pause.Stop()
		select {
		case <-pause.C:
		case <-finished:
		case <-ctx.Done():
		case <-s.life.Done():
		}
	case <-late.C:
	case <-ctx.Done():
	case <-s.life.Done():
	}
	if s.life.Err() != nil {
		return Stopping()
	}
	return ctx.Err()
}
