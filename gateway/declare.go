package gateway

import (
	"context"
	"fmt"
	"math"
	"reflect"
	"time"
	"unicode"

	"sftpgate/gateway/access"
	"sftpgate/remote/record"
	"sftpgate/remote/staging"
)

// check refuses declarations that make no sense, before any host is asked.
func (r OpenRequest) check() error {
	switch {
	case r.Size < record.Unknown:
		return Refuse(InvalidRequest, "size %d is negative", r.Size)
	case r.Size > maxFile:
		return tooLargeForAny()
	case r.ChunkSize < 0 || r.ChunkSize > maxChunkSize:
		return badChunkSize(r.ChunkSize)
	}
	for name, text := range map[string]string{"fingerprint": r.Fingerprint, "client id": r.ClientID} {
		if err := checkText(name, text); err != nil {
			return err
		}
	}
	if len(r.Note) > maxNote {
		return Refuse(InvalidRequest, "the client's metadata is longer than %d bytes", maxNote)
	}
	return r.Options.check()
}

func (o Options) check() error {
	switch {
	case o.IfExists != "" && o.IfExists != FailIfExists && o.IfExists != ReplaceIfExists:
		return Refuse(InvalidRequest, "if_exists must be fail or replace, not %q", string(o.IfExists))
	case o.IfMatch != "" && o.IfExists != ReplaceIfExists:
		return Refuse(InvalidRequest, "if_match names the file to replace: it requires if_exists=replace")
	case o.Mode != nil && *o.Mode > 0o777:
		return Refuse(InvalidRequest, "mode must be between 0 and 0777, not %#o", *o.Mode)
	}
	if err := CheckTime("mtime", o.MTime); err != nil && !o.MTime.IsZero() {
		return err
	}
	for name, text := range map[string]string{"owner": o.Owner, "group": o.Group, "if_match": o.IfMatch} {
		if err := checkText(name, text); err != nil {
			return err
		}
	}
	return nil
}

// CheckTime refuses an instant that a host cannot hold: SFTP's version 3 counts
// seconds since 1970 in 32 bits. A fraction is dropped and not refused: browsers give
// the times of files in milliseconds.
func CheckTime(name string, t time.Time) error {
	if s := t.Unix(); s < 0 || s > math.MaxUint32 {
		return Refuse(InvalidRequest, "%s is %s: SFTP holds times from 1970-01-01T00:00:00Z to 2106-02-07T06:28:15Z", name, t.UTC().Format(time.RFC3339))
	}
	return nil
}

// CheckPath says what is wrong with the text of a path that a ticket or a
// request names: it must be absolute and as short as it can be written.
func CheckPath(p string) error { return staging.CheckPath(p) }

func tooLargeForAny() *Error {
	return Refuse(TooLarge, "the file is larger than %s, the largest that hosts can store", bytesText(maxFile))
}

func tooLargeFor(most int64) *Error {
	return Refuse(TooLarge, "the file is larger than %s, the most that the ticket allows", bytesText(most))
}

func checkText(name, text string) error {
	if len(text) > maxText {
		return Refuse(InvalidRequest, "%s is longer than %d bytes", name, maxText)
	}
	for _, r := range text {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return Refuse(InvalidRequest, "%s contains a character that cannot be stored", name)
		}
	}
	return nil
}

// meta is what goes into the first record.
func (r OpenRequest) meta(c access.Caller, id string) record.Meta {
	m := record.Meta{
		ID: id, User: c.User, Host: r.Host, Size: r.Size, ChunkSize: r.ChunkSize, Digest: sumOf(r.Digest),
		Identity: record.Identify(sumOf(r.Digest), r.Fingerprint, r.Size),
		IfExists: string(r.IfExists), IfMatch: r.IfMatch, Owner: r.Owner, Group: r.Group, Mode: r.Mode,
		ClientID: r.ClientID, Note: r.Note, Created: time.Now().UTC().Truncate(time.Millisecond),
		Passes: c.AddCredentials(nil, id), MaxSize: c.MaxSize(),
	}
	if !r.MTime.IsZero() {
		at := r.MTime.UTC()
		m.MTime = &at
	}
	return m
}

// publication is how the upload's file is to appear.
func publication(m record.Meta) staging.Publication {
	p := staging.Publication{Size: m.Size, Replace: m.IfExists == string(ReplaceIfExists), IfMatch: m.IfMatch,
		Attrs: staging.Attrs{Mode: m.Mode, Owner: m.Owner, Group: m.Group}}
	if m.MTime != nil {
		p.Attrs.MTime = *m.MTime
	}
	return p
}

// bytesText writes a number of bytes for a person.
func bytesText(n int64) string {
	const units = "KMGTPE"
	if n < 1024 {
		return fmt.Sprintf("%d bytes", n)
	}
	f, i := float64(n)/1024, 0
	for f >= 1024 && i < len(units)-1 {
		f, i = f/1024, i+1
	}
	return fmt.Sprintf("%.1f %ciB", f, units[i])
}

// rewish records what is wished for the published file where a resumed upload
// wishes something else than before: a target that was in the way at the end
// may be replaced after all. The ticket it is resumed with may go on with it.
func (u *upload) rewish(ctx context.Context, c access.Caller, r OpenRequest) error {
	now := func(m *record.Meta) {
		want := r.meta(access.Caller{}, "")
		m.Passes = c.AddCredentials(m.Passes, u.id)
		m.IfExists, m.IfMatch, m.Owner, m.Group, m.Mode, m.MTime = want.IfExists, want.IfMatch, want.Owner, want.Group, want.Mode, want.MTime
	}
	have := u.gen.State().Meta
	want := have
	now(&want)
	if reflect.DeepEqual(have, want) {
		return nil
	}
	return u.gen.Advance(ctx, func(_ record.State, next *record.Record) error {
		now(&next.Meta)
		return nil
	})
}
