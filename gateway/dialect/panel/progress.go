package panel

import (
	"context"
	"net/http"
	"slices"

	"sftpgate/gateway"
	"sftpgate/gateway/access"
	"sftpgate/gateway/web/socket"
)

// maxRoom bounds the name of a room, in bytes.
const maxRoom = 256

// progress lets a room be listened to. To a request that asks for no WebSocket it answers
// what was told last, for pages behind a proxy that lets none through.
func (h handler) progress(w http.ResponseWriter, r *http.Request, c access.Caller) error {
	if err := mayListen(c); err != nil {
		return err
	}
	at := room{c.User, r.PathValue("chat_room")}
	if len(at.name) > maxRoom {
		return gateway.Refuse(gateway.InvalidRequest, "a room's name may have at most %d bytes", maxRoom)
	}
	if !socket.Asked(r) {
		return reply(w, r, http.StatusOK, done, h.rooms.latest(at), "")
	}
	news, leave := h.rooms.listen(at)
	defer leave()
	socket.Serve(w, r, func(ctx context.Context, send func(any) error) error {
		for {
			select {
			case p := <-news:
				if err := send(p); err != nil {
					return err
				}
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	})
	return nil
}

// mayListen asks of a ticket what looking at one's own uploads needs.
func mayListen(c access.Caller) error {
	switch {
	case c.Bound:
		return gateway.Refuse(gateway.Unauthenticated, "the ticket has expired: ask for a new one")
	case c.Scope != nil && !slices.Contains(c.Scope.Operations, access.OpRead):
		return gateway.Refuse(gateway.Forbidden, "the ticket does not allow this operation (%s)", access.OpRead)
	}
	return nil
}
