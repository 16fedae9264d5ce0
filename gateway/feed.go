package gateway

import (
	"context"
	"errors"
	"io"
	"sync"

	"sftpgate/gateway/access"
)

// Told is how an upload stood in one moment, without Received: one for all who follow it.
type Told struct {
	Upload Upload

	once sync.Once
	made any
	err  error
}

// Made is what is made of it to be sent. render is asked once, for all who follow.
func (t *Told) Made(render func(Upload) (any, error)) (any, error) {
	t.once.Do(func() { t.made, t.err = render(t.Upload) })
	return t.made, t.err
}

// feed watches one upload for all who follow it through this gateway: a thousand of them
// ask neither the registry nor the host more often than one does.
type feed struct {
	s       *Service
	id      string
	stop    context.CancelFunc
	looking chan struct{} // holds one; one look at a time, so that nothing is told that is older than what was

	mu         sync.Mutex
	last       *Told
	end        error // why nothing more comes, io.EOF after the end; nil: something may
	subscribed map[*subscription]struct{}
}

// subscription is of one who follows.
type subscription struct {
	f    *feed
	seen *Told
	wake func()
}

// Subscribe gives how an upload stands now, and again whenever it has moved on, whichever
// gateway works on it. next does not wait: it returns nil while there is nothing new,
// and io.EOF after it has told of the end, or of a finish that failed. wake is called
// whenever it may have more; it must return at once, and not call next. leave must be
// called; nothing is woken after it.
//
// Refusals: as Get.
func (s *Service) Subscribe(ctx context.Context, c access.Caller, id string, wake func()) (next func() (*Told, error), leave func(), err error) {
	// Who may see it is decided here. The feed asks for nobody.
	_, over, err := s.find(ctx, c, access.OpRead, id)
	if err != nil {
		return nil, nil, err
	}
	if over != nil {
		f := &feed{last: &Told{Upload: *over}, end: io.EOF}
		return (&subscription{f: f}).next, func() {}, nil
	}
	w := s.subscribe(id, wake)
	if _, _, err := w.f.look(ctx); err != nil {
		w.leave()
		return nil, nil, err
	}
	return w.next, w.leave, nil
}

// Watch is Subscribe for who can wait: it tells until the end, else until ctx ends or tell
// fails.
func (s *Service) Watch(ctx context.Context, c access.Caller, id string, tell func(Upload) error) error {
	woken := make(chan struct{}, 1)
	next, leave, err := s.Subscribe(ctx, c, id, func() {
		select {
		case woken <- struct{}{}:
		default:
		}
	})
	if err != nil {
		return err
	}
	defer leave()
	for {
		t, err := next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case t != nil:
			if err := tell(t.Upload); err != nil {
				return err
			}
			continue
		}
		select {
		case <-woken:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// subscribe joins the upload's feed, or begins it.
func (s *Service) subscribe(id string, wake func()) *subscription {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.feeds[id]
	if f == nil {
		ctx, stop := context.WithCancel(s.life)
		f = &feed{s: s, id: id, stop: stop, looking: make(chan struct{}, 1), subscribed: map[*subscription]struct{}{}}
		s.feeds[id] = f
		s.workers.Go(func() { f.run(ctx) })
	}
	w := &subscription{f: f, wake: wake}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.subscribed[w] = struct{}{}
	return w
}

func (w *subscription) next() (*Told, error) {
	w.f.mu.Lock()
	defer w.f.mu.Unlock()
	if w.seen != w.f.last {
		w.seen = w.f.last
		return w.seen, nil
	}
	return nil, w.f.end
}

// leave ends the feed with the last who follows.
func (w *subscription) leave() {
	w.f.s.mu.Lock()
	defer w.f.s.mu.Unlock()
	w.f.mu.Lock()
	defer w.f.mu.Unlock()
	delete(w.f.subscribed, w)
	if len(w.f.subscribed) == 0 {
		w.f.close()
	}
}

// close lets nobody more join. With the service's lock held.
func (f *feed) close() {
	f.stop()
	if f.s.feeds[f.id] == f {
		delete(f.s.feeds, f.id)
	}
}

// run looks whenever there may be something new, as long as anybody follows.
func (f *feed) run(ctx context.Context) {
	for {
		u, at, err := f.look(ctx)
		if err == nil && u == nil {
			return // that was the end
		}
		if err == nil {
			err = f.s.awaitNews(ctx, u, at.news, at.finished)
		}
		if err != nil {
			f.tell(nil, err)
			return
		}
	}
}

// moment is from when on there is news.
type moment struct{ news, finished <-chan struct{} }

// look tells how the upload stands now, and gives what to wait for; nil where nothing
// more will come.
func (f *feed) look(ctx context.Context) (*upload, moment, error) {
	select {
	case f.looking <- struct{}{}:
		defer func() { <-f.looking }()
	case <-ctx.Done():
		return nil, moment{}, ctx.Err()
	}
	u, over, err := f.s.lookUp(ctx, f.id, anybody)
	if err != nil {
		return nil, moment{}, err
	}
	var at moment
	var v Upload
	if over != nil {
		v = *over
	} else {
		at = moment{u.news(), u.finishes()} // before the look, or what happens in between is missed
		v = f.s.standing(ctx, u)
	}
	if v.State.Ended() || v.State == Failed {
		f.tell(&v, io.EOF)
		return nil, at, nil
	}
	f.tell(&v, nil)
	return u, at, nil
}

func anybody(Upload, []string) error { return nil }

// tell wakes all who follow if there is anything to tell them. After end nothing is.
func (f *feed) tell(v *Upload, end error) {
	if end != nil {
		f.s.mu.Lock()
		f.close()
		f.s.mu.Unlock()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.end != nil {
		return
	}
	news := v != nil && (f.last == nil || moved(f.last.Upload, *v))
	if news {
		f.last = &Told{Upload: *v}
	}
	f.end = end
	if news || end != nil {
		for w := range f.subscribed {
			w.wake()
		}
	}
}
