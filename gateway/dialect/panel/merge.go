package panel

import (
	"context"
	"net/http"

	"sftpgate/gateway"
	"sftpgate/gateway/access"
	"sftpgate/gateway/dialect"
)

// merge publishes the file, and tells the room how far it is meanwhile.
func (h handler) merge(w http.ResponseWriter, r *http.Request, c access.Caller) error {
	asker := c
	f, t, c, err := read(r, c)
	if err != nil {
		return err
	}
	count, err := f.Number("chunk_num")
	if err != nil {
		return err
	}
	u, err := h.mergeable(r.Context(), c, t, count)
	if err != nil {
		return err
	}
	if !sameTmpPath(f["tmp_path"], u) {
		return gateway.Refuse(gateway.DifferentFile, "tmp_path belongs to another upload: this one was restarted, perhaps by another page of yours")
	}
	size, err := sizeOf(u, count, f)
	if err != nil {
		return err
	}
	tell := h.rooms.enter(room{asker.User, f["chat_room"]})
	defer tell.leave()
	stop := h.follow(r.Context(), c, u.ID, size, tell)
	u, err = h.gate.Finish(r.Context(), c, u.ID, gateway.FinishRequest{Size: size})
	stop()
	if err == nil {
		tell.tell(progress{size, size})
	}
	switch {
	case gateway.CodeOf(err) == gateway.StillFinishing:
		return reply(w, r, http.StatusOK, busy, nil, "the file is still being finished: ask again")
	case err != nil:
		return err
	}
	return reply(w, r, http.StatusOK, done, u.Path, "the file is in place")
}

// mergeable is the upload with Received; it may be done. A page may well send no chunk
// of an empty file.
func (h handler) mergeable(ctx context.Context, c access.Caller, t target, count int64) (gateway.Upload, error) {
	u, err := h.gate.Lookup(ctx, c, t.Place, t.File)
	if err == nil && u.State == gateway.Failed || gateway.CodeOf(err) == gateway.UnknownUpload && count == 0 {
		t.Content = u.Note // what the options are now may be what it needs
		var s dialect.Session
		s, err = h.gate.Claim(ctx, c, t.Place, t.File)
		u = s.Upload
	}
	if err != nil {
		return u, err
	}
	return h.gate.Current(ctx, c, u)
}

// sizeOf is the file's size, if all chunks are there, and as many bytes or chunks as
// total says.
func sizeOf(u gateway.Upload, count int64, f dialect.Fields) (int64, error) {
	size, missing := dialect.SizeOf(u, count)
	switch {
	case missing >= count:
		return 0, gateway.Refuse(gateway.InvalidRequest, "chunk_num is %d, but chunk %d was sent", count, missing+1)
	case missing >= 0:
		return 0, gateway.Refuse(gateway.InvalidRequest, "chunk %d of %d is missing: send it, and merge again", missing+1, count)
	}
	if f["total"] == "" {
		return size, nil
	}
	total, err := f.Number("total")
	if err == nil && total != size && total != count {
		err = gateway.Refuse(gateway.InvalidRequest, "total is %d, but %d bytes in %d chunks were sent", total, size, count)
	}
	return size, err
}

// follow tells how far the merge is until it is stopped.
func (h handler) follow(ctx context.Context, c access.Caller, id string, size int64, to *teller) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	over := make(chan struct{})
	go func() {
		defer close(over)
		// A ticket that may not look at uploads has no progress; its merge runs.
		_ = h.gate.Watch(ctx, c, id, func(u gateway.Upload) error {
			to.tell(progress{u.MergedBytes, size})
			return nil
		})
	}()
	return func() {
		cancel()
		<-over
	}
}
