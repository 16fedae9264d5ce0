package dialect

import (
	"context"
	"sort"

	"sftpgate/gateway"
	"sftpgate/gateway/access"
	"sftpgate/gateway/web"
)

// Complete finishes u if every byte of it has arrived, at whichever gateway, and
// returns when its file is published. An upload that is not complete comes back as it
// is.
func (g Gate) Complete(ctx context.Context, c access.Caller, u gateway.Upload) (gateway.Upload, error) {
	if u.State == gateway.Done {
		return u, nil
	}
	now, err := g.FinishIfComplete(ctx, c, u.ID, g.Wait)
	if err == nil && now.State != gateway.Done {
		return u, nil
	}
	return now, err
}

// Finish finishes an upload and returns when its file is published.
func (g Gate) Finish(ctx context.Context, c access.Caller, id string, r gateway.FinishRequest) (gateway.Upload, error) {
	return g.FinishAndWait(ctx, c, id, r, g.Wait)
}

// Has reports whether all of [off, off+length) has arrived; u is shown with Received.
func Has(u gateway.Upload, off, length int64) bool {
	if u.State == gateway.Done {
		return true
	}
	// Ascending and merged: only the first that ends behind off can have it.
	i := sort.Search(len(u.Received), func(i int) bool { return u.Received[i][1] > off })
	return length == 0 || i < len(u.Received) && u.Received[i][0] <= off && off+length <= u.Received[i][1]
}

// Offset is where the first byte is missing; u is shown with Received.
func Offset(u gateway.Upload) int64 {
	switch {
	case u.State == gateway.Done:
		return u.Size
	case len(u.Received) == 0 || u.Received[0][0] > 0:
		return 0
	}
	return u.Received[0][1]
}

// Permanent reports whether a client should stop and show the refusal to a person:
// sending the same again soon would not help. Where the trouble passes by itself, as
// when a host or the registry is down for a while, it should try again.
func Permanent(p web.Problem) bool {
	switch p.Code {
	case gateway.OwnedByAnother, gateway.NoSpace, gateway.Quota, gateway.HostRefused:
		return true
	case web.RequestTimeout, web.Internal:
		return false
	}
	return !p.Retryable
}
