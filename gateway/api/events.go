package api

import (
	"context"
	"net/http"

	"sftpgate/gateway"
	"sftpgate/gateway/web"
)

// The names of events. An upload that was given up has failed, for who waits for it.
const (
	eventProgress = "progress"
	eventDone     = "done"
	eventFailed   = "failed"
)

// events tells how an upload moves on, whichever gateway works on it.
func (a api) events(w http.ResponseWriter, r *http.Request, c gateway.Caller) error {
	id, err := uploadID(r)
	if err != nil {
		return err
	}
	return web.Events(w, r, func(ctx context.Context, send func(string, any) error) error {
		return a.service.Watch(ctx, c, id, func(u gateway.Upload) error {
			return send(eventOf(u.State), withoutReceived(u))
		})
	})
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
