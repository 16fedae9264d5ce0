package api

import (
	"context"
	"net/http"

	"sftpgate/gateway"
	"sftpgate/gateway/access"
	"sftpgate/gateway/web"
)

// The names of events. An upload that was given up has failed, for who waits for it.
const (
	eventProgress = "progress"
	eventDone     = "done"
	eventFailed   = "failed"
)

// events tells how an upload moves on, whichever gateway works on it.
func (a api) events(w http.ResponseWriter, r *http.Request, c access.Caller) error {
	id, err := uploadID(r)
	if err != nil {
		return err
	}
	return web.Stream(w, r, func(ctx context.Context, wake func()) (web.Source, error) {
		next, leave, err := a.service.Subscribe(ctx, c, id, wake)
		return web.Source{Next: func() (*web.Event, error) { return nextEvent(next) }, Leave: leave}, err
	})
}

// nextEvent is made once for all who follow the upload.
func nextEvent(next func() (*gateway.Told, error)) (*web.Event, error) {
	t, err := next()
	if t == nil {
		return nil, err
	}
	e, err := t.Made(func(u gateway.Upload) (any, error) { return web.NewEvent(eventOf(u.State), withoutReceived(u)) })
	if err != nil {
		return nil, err
	}
	return e.(*web.Event), nil
}

func eventOf(s gateway.State) string {
	switch s {
	case gateway.Done:
		return eventDone
	case gateway.Failed, gateway.Cancelled:
		return eventFailed
	}
	return eventProgress
}
