package gateway

import (
	"context"
	"path"
	"time"

	"sftpgate/remote/record"
)

// entry is what the index is told.
func (u *upload) entry() Entry {
	meta := u.gen.State().Meta
	return u.withPostponed(Entry{Upload: u.view(false), Key: u.key, Aliases: aliases(meta, u.key), Passes: meta.Passes, Pending: u.pending()})
}

// aliases are the further names under which an upload is found.
func aliases(meta record.Meta, key Key) []string {
	names := []string{targetAlias(key)}
	if meta.ClientID != "" {
		names = append(names, clientAlias(meta.User, meta.Host, path.Dir(meta.Path), meta.ClientID))
	}
	return names
}

// save tells the index; what it does not hear it can be told again. While
// another gateway finishes the upload, that one tells.
func (u *upload) save(ctx context.Context) {
	u.mu.Lock()
	u.saved = time.Now()
	knows := u.leading || u.finishing || u.failure != nil
	u.mu.Unlock()
	if !knows {
		if e, ok, err := u.s.index.Get(ctx, u.id); err == nil && ok && (e.Pending || e.Ended) {
			return
		}
	}
	u.tell(ctx)
}

// tell puts what is known here into the index.
func (u *upload) tell(ctx context.Context) {
	if err := u.s.index.Put(ctx, u.entry(), u.s.expireAfter); err != nil {
		u.s.log.Warn("could not update the index", "upload", u.id, "error", err)
	}
}

const saveEvery = time.Second

// saveSometimes tells it now and then: progress for lists and other gateways.
// While another gateway merges, that one knows more and tells it. What is not
// told now is told a little later: it may be the last step for long.
func (u *upload) saveSometimes(ctx context.Context) {
	u.mu.Lock()
	elsewhere := !u.working && time.Now().Before(u.leaseAt)
	wait := saveEvery - time.Since(u.saved)
	later := (elsewhere || wait > 0) && !u.saving && u.s.life.Err() == nil
	u.saving = u.saving || later
	u.mu.Unlock()
	switch {
	case later:
		u.s.workers.Go(func() { u.saveLater(u.s.life, elsewhere, wait) })
	case wait <= 0 && !elsewhere:
		u.save(ctx)
	}
}

// saveLater tells what came since. Where another gateway merged, it has told
// more than is known here.
func (u *upload) saveLater(ctx context.Context, elsewhere bool, wait time.Duration) {
	if elsewhere {
		wait = lookEvery
	}
	waited := pause(ctx, wait)
	u.mu.Lock()
	u.saving = false
	over := u.result != nil
	u.mu.Unlock()
	if !waited || over {
		return
	}
	if elsewhere {
		if u.refresh(ctx) != nil {
			return
		}
		u.wake()
	}
	u.save(ctx)
}
