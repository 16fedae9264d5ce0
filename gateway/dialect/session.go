package dialect

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"path"
	"strings"
	"time"

	"sftpgate/gateway"
	"sftpgate/gateway/access"
)

// File is what a request says of the file that it brings a piece of.
type File struct {
	Path string // absolute, on the host
	// ID is the client's own name for the file. Once says that it is new at every
	// try; otherwise it must hold all that tells this file from another one there.
	ID   string
	Once bool
	// Content tells this file from another one where the ID does not; "": the ID does.
	// The upload keeps it as its Note.
	Content   string
	Size      int64 // -1: not known yet
	ChunkSize int64 // 0: fixed by the first chunk
	MakeDirs  bool  // make the directories that are missing
}

// HashID makes a [File]'s ID of all that tells the file from others, whatever is in it.
func HashID(dialect string, parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return dialect + ":" + hex.EncodeToString(sum[:])
}

// Session is the upload that a request belongs to. It may have ended: then the
// request can be a repetition, which is compared with the file.
type Session struct {
	gateway.Upload
	// exists is what the person must hear when it is no repetition.
	exists error
}

// Begin finds the upload of f, or begins it. first says that the request brings the
// beginning of the file; only such a one begins anew what has ended (see doc.go).
//
// Refusals: as [gateway.Service.Open]; different-file where the upload was given up.
func (g Gate) Begin(ctx context.Context, c access.Caller, at Place, f File, first bool) (Session, error) {
	f.MakeDirs = f.MakeDirs || at.Options.MakeDirs
	u, err := g.find(ctx, c, at, f)
	switch code := gateway.CodeOf(err); {
	case lost(c, code), code == gateway.NoSuchDirectory && f.MakeDirs:
		return g.open(ctx, c, at, f)
	case err != nil:
		return Session{}, err
	case u.State == gateway.Failed: // what the file's options are now may be what it needs
		return g.open(ctx, c, at, f)
	case !u.State.Ended():
		return Session{Upload: u}, nil
	case f.Once:
		return ended(u)
	case first:
		return g.again(ctx, c, at, f, u)
	case u.State == gateway.Done && at.Options.IfExists != gateway.ReplaceIfExists:
		return g.again(ctx, c, at, f, u)
	}
	return g.join(ctx, c, at, f, u)
}

// lost reports whether the registry knows of no upload. To an expired ticket that is not
// said; what the host has that it opened it may go on with all the same.
func lost(c access.Caller, code gateway.Code) bool {
	return code == gateway.UnknownUpload || c.Bound && code == gateway.Unauthenticated
}

func (g Gate) find(ctx context.Context, c access.Caller, at Place, f File) (gateway.Upload, error) {
	return g.Find(ctx, c, at.Host, path.Dir(f.Path), f.ID)
}

func (g Gate) open(ctx context.Context, c access.Caller, at Place, f File) (Session, error) {
	opened, err := g.Open(ctx, c, f.opening(at))
	return Session{Upload: opened.Upload}, err
}

func (f File) opening(at Place) gateway.OpenRequest {
	o := at.Options
	o.MakeDirs = o.MakeDirs || f.MakeDirs
	return gateway.OpenRequest{Host: at.Host, Path: f.Path, Options: o, Size: f.Size, ChunkSize: f.ChunkSize,
		Fingerprint: cmp.Or(f.Content, f.ID), ClientID: f.ID, Note: f.Content, Restart: true}
}

// Claim opens the upload of f, or goes on with it. The caller's own unfinished upload of
// another file there is given up.
func (g Gate) Claim(ctx context.Context, c access.Caller, at Place, f File) (Session, error) {
	return g.open(ctx, c, at, f)
}

// Anew gives up what has arrived of f and begins again: the id did not tell that it is
// another file, and its bytes did.
func (g Gate) Anew(ctx context.Context, c access.Caller, at Place, f File) (Session, error) {
	r := f.opening(at)
	r.Anew = true
	opened, err := g.Open(ctx, c, r)
	return Session{Upload: opened.Upload}, err
}

// Lookup finds the upload of f: by its id, and where the registry has lost that, on the
// host. It may have ended.
//
// Refusals: unknown-upload, path and host errors.
func (g Gate) Lookup(ctx context.Context, c access.Caller, at Place, f File) (gateway.Upload, error) {
	u, err := g.find(ctx, c, at, f)
	if !lost(c, gateway.CodeOf(err)) {
		return u, err
	}
	found, herr := g.FindAt(ctx, c, at.Host, f.Path)
	switch {
	case herr != nil:
		return found, herr
	case found.ClientID == f.ID:
		return found, nil
	case c.Bound: // there is nothing that the expired ticket opened by this name
		return u, err
	}
	return u, gateway.Refuse(gateway.UnknownUpload, "you are already uploading another file there")
}

// Current is u as the host has it, with Received, for an answer that lists what need not
// be sent: another gateway may have brought the last of it. An upload that is done is
// unknown unless its file still stands: what is listed is not sent again.
func (g Gate) Current(ctx context.Context, c access.Caller, u gateway.Upload) (gateway.Upload, error) {
	if !u.State.Ended() {
		return g.Recount(ctx, c, u.ID)
	}
	if u.State == gateway.Done {
		// A repetition without a byte is compared with the file by its ETag alone.
		_, err := g.Receive(ctx, c, u.ID, gateway.Body{Total: -1, R: strings.NewReader("")})
		if code := gateway.CodeOf(err); code != gateway.ChunkConflict && code != gateway.UnknownUpload {
			return u, err
		}
	}
	return u, gateway.Refuse(gateway.UnknownUpload, "the upload to %s has ended, and its file is gone", u.Path)
}

// again opens what has ended anew. Where its own file is in the way, or the ticket may
// begin nothing any more, the request is a repetition or else must hear of that.
func (g Gate) again(ctx context.Context, c access.Caller, at Place, f File, over gateway.Upload) (Session, error) {
	s, err := g.open(ctx, c, at, f)
	code := gateway.CodeOf(err)
	if over.State == gateway.Done && (code == gateway.TargetExists || c.Bound && code == gateway.Unauthenticated) {
		return Session{Upload: over, exists: err}, nil
	}
	return s, err
}

// joinWait is how long a chunk waits for the first one of its file, which clients
// that send several at once may send later.
const joinWait, joinEvery = 3 * time.Second, 50 * time.Millisecond

// join waits for the first chunk to begin the upload anew.
func (g Gate) join(ctx context.Context, c access.Caller, at Place, f File, over gateway.Upload) (Session, error) {
	for deadline := time.Now().Add(joinWait); time.Now().Before(deadline); {
		select {
		case <-time.After(joinEvery):
		case <-ctx.Done():
			return Session{}, ctx.Err()
		}
		u, err := g.find(ctx, c, at, f)
		if err != nil {
			return Session{}, err
		}
		if !u.State.Ended() {
			return Session{Upload: u}, nil
		}
		over = u
	}
	return ended(over)
}

// ended is the session of a request that can only be a repetition.
func ended(over gateway.Upload) (Session, error) {
	if over.State != gateway.Done {
		return Session{}, gateway.Refuse(gateway.DifferentFile, "this upload to %s was cancelled, or replaced by another file: start over to send it", over.Path)
	}
	return Session{Upload: over}, nil
}

// judge tells of the file in the way where a repetition turned out to be none.
func (s Session) judge(err error) error {
	if s.exists != nil && gateway.CodeOf(err) == gateway.ChunkConflict {
		return s.exists
	}
	return err
}
