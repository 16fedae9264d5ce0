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

// Watch tells how an upload stands now, and again whenever it has moved on,
// whichever gateway works on it, without Received. It returns nil after it has
// told of the end or of a finish that failed, else the error of ctx or of tell.
//
// Refusals: as Get.
func (s *Service) Watch(ctx context.Context, c Caller, id string, tell func(Upload) error) error {
	var last Upload
	look := func() (*upload, *Upload, error) { return s.find(ctx, c, actSee, id) }
	for first := true; ; first = false {
		u, over, err := look()
		if err != nil {
			return err
		}
		// Who may see it has been decided; paths need not be resolved each time.
		look = func() (*upload, *Upload, error) { return s.lookUp(ctx, id, anybody) }
		var v Upload
		var news, finished <-chan struct{}
		if over != nil {
			v = *over
		} else {
			news, finished = u.news(), u.finishes() // before the look, or what happens in between is missed
			v = s.standing(ctx, u)
		}
		if first || moved(last, v) {
			if err := tell(v); err != nil {
				return err
			}
			last = v
		}
		if v.State.Ended() || v.State == Failed {
			return nil
		}
		if err := s.awaitNews(ctx, u, news, finished); err != nil {
			return err
		}
	}
}

func anybody(Upload, []string) error { return nil }

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
