package registry

import (
	"cmp"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"sftpgate/gateway"
)

type wireEntry struct {
	V       int           `json:"v"`
	Ended   bool          `json:"ended"` // the scripts read it
	Key     string        `json:"key"`
	Aliases []string      `json:"aliases,omitempty"`
	Upload  wireUpload    `json:"upload"`
	Target  *wireExisting `json:"target,omitempty"`
	Pending bool          `json:"pending,omitempty"`
	Passes  []string      `json:"passes,omitempty"`
}

type wireUpload struct {
	ID            string     `json:"id"`
	Host          string     `json:"host"`
	Path          string     `json:"path"`
	User          string     `json:"user"`
	Size          int64      `json:"size"`
	ChunkSize     int64      `json:"chunk_size"`
	State         string     `json:"state"`
	ReceivedBytes int64      `json:"received_bytes"`
	MergedBytes   int64      `json:"merged_bytes"`
	Engine        string     `json:"engine,omitempty"`
	SHA256        string     `json:"sha256,omitempty"` // hex
	Verified      string     `json:"verified,omitempty"`
	Error         *wireError `json:"error,omitempty"`
	Notes         []string   `json:"notes,omitempty"`
	ClientID      string     `json:"client_id,omitempty"`
	Note          string     `json:"note,omitempty"`
	CreatedAt     time.Time  `json:"created_at"`
	ExpiresAt     time.Time  `json:"expires_at"`
}

type wireError struct {
	Code       string        `json:"code"`
	Detail     string        `json:"detail"`
	RetryAfter time.Duration `json:"retry_after_ns,omitempty"`
	Missing    [][2]int64    `json:"missing,omitempty"`
	Existing   *wireExisting `json:"existing,omitempty"`
	Upload     *wireUpload   `json:"upload,omitempty"`
}

type wireExisting struct {
	Size  int64     `json:"size"`
	MTime time.Time `json:"mtime"`
	ETag  string    `json:"etag"`
}

// encodeEntry leaves out Upload.Received and the causes of errors, which are for the log alone.
func encodeEntry(e gateway.Entry) ([]byte, error) {
	u := e.Upload
	if u.ID == "" {
		return nil, errors.New("the upload has no id")
	}
	if err := storable(slices.Concat([]string{u.ID, u.Host, u.Path, u.User, string(e.Key)}, e.Aliases, e.Passes)...); err != nil {
		return nil, err
	}
	return json.Marshal(wireEntry{
		V: version, Ended: e.Ended, Key: string(e.Key), Aliases: e.Aliases,
		Upload: toWire(u), Target: (*wireExisting)(utc(e.Target)),
		Pending: e.Pending, Passes: e.Passes,
	})
}

func decodeEntry(value []byte) (gateway.Entry, error) {
	var w wireEntry
	if err := decode("entry of an upload", value, &w, &w.V); err != nil {
		return gateway.Entry{}, err
	}
	u, err := fromWire(w.Upload)
	if err == nil && w.Target != nil {
		err = writable("entry of an upload", w.Target.MTime)
	}
	if err != nil {
		return gateway.Entry{}, err
	}
	return gateway.Entry{
		Upload: u, Key: gateway.Key(w.Key), Aliases: w.Aliases,
		Ended: w.Ended, Target: (*gateway.Existing)(w.Target),
		Pending: w.Pending, Passes: w.Passes,
	}, nil
}

func toWire(u gateway.Upload) wireUpload {
	w := wireUpload{
		ID: u.ID, Host: u.Host, Path: u.Path, User: u.User,
		Size: u.Size, ChunkSize: u.ChunkSize, State: string(u.State),
		ReceivedBytes: u.ReceivedBytes, MergedBytes: u.MergedBytes,
		Engine: u.Engine, Verified: u.Verified, Notes: u.Notes, ClientID: u.ClientID, Note: u.Note,
		CreatedAt: u.CreatedAt.UTC(), ExpiresAt: u.ExpiresAt.UTC(),
	}
	if u.Digest != nil {
		w.SHA256 = hex.EncodeToString(u.Digest[:])
	}
	if e := u.Error; e != nil {
		w.Error = &wireError{
			Code: string(e.Code), Detail: e.Detail, RetryAfter: e.RetryAfter,
			Missing: e.Missing, Existing: (*wireExisting)(utc(e.Existing)),
		}
		if e.Upload != nil {
			other := *e.Upload
			other.Error = nil // one level is enough, and no circle can come of it
			nested := toWire(other)
			w.Error.Upload = &nested
		}
	}
	return w
}

func fromWire(w wireUpload) (gateway.Upload, error) {
	u := gateway.Upload{
		ID: w.ID, Host: w.Host, Path: w.Path, User: w.User,
		Size: w.Size, ChunkSize: w.ChunkSize, State: gateway.State(w.State),
		ReceivedBytes: w.ReceivedBytes, MergedBytes: w.MergedBytes,
		Engine: w.Engine, Verified: w.Verified, Notes: w.Notes, ClientID: w.ClientID, Note: w.Note,
		CreatedAt: w.CreatedAt, ExpiresAt: w.ExpiresAt,
	}
	if err := writable("entry of an upload", w.CreatedAt, w.ExpiresAt); err != nil {
		return u, err
	}
	if w.SHA256 != "" {
		raw, err := hex.DecodeString(w.SHA256)
		if err != nil || len(raw) != len(gateway.Digest{}) {
			return u, fmt.Errorf("the stored entry of upload %s is damaged: %q is not a SHA-256", w.ID, w.SHA256)
		}
		u.Digest = (*gateway.Digest)(raw)
	}
	if e := w.Error; e != nil {
		u.Error = &gateway.Error{
			Code: gateway.Code(e.Code), Detail: e.Detail, RetryAfter: e.RetryAfter,
			Missing: e.Missing, Existing: (*gateway.Existing)(e.Existing),
		}
		if e.Existing != nil {
			if err := writable("entry of an upload", e.Existing.MTime); err != nil {
				return u, err
			}
		}
		if e.Upload != nil {
			other, err := fromWire(*e.Upload)
			if err != nil {
				return u, err
			}
			u.Error.Upload = &other
		}
	}
	return u, nil
}

func utc(x *gateway.Existing) *gateway.Existing {
	if x == nil {
		return nil
	}
	y := *x
	y.MTime = y.MTime.UTC()
	return &y
}

// ofUser decodes the values that are user's, newest first.
func ofUser(user string, values [][]byte) []gateway.Entry {
	return newestFirst(values, func(e gateway.Entry) bool { return e.Upload.User == user })
}

// unended tells whether e is no tombstone.
func unended(e gateway.Entry) bool { return !e.Ended }

// newestFirst decodes the values that are wanted and sorts them. A
// value that cannot be read is left out: one entry of another release must not
// hide the rest of a list.
func newestFirst(values [][]byte, wanted func(gateway.Entry) bool) []gateway.Entry {
	var entries []gateway.Entry
	for _, value := range values {
		if e, err := decodeEntry(value); err == nil && wanted(e) {
			entries = append(entries, e)
		}
	}
	slices.SortFunc(entries, func(a, b gateway.Entry) int {
		if c := b.Upload.CreatedAt.Compare(a.Upload.CreatedAt); c != 0 {
			return c
		}
		return cmp.Compare(a.Upload.ID, b.Upload.ID)
	})
	return entries
}
