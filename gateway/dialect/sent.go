package dialect

import (
	"context"
	"io"

	"sftpgate/gateway"
	"sftpgate/gateway/access"
	"sftpgate/gateway/web"
)

// maxHeld bounds what is held on the host of one file or chunk, in bytes.
const maxHeld = 1 << 30

// Sent is a file, or a piece of one, on its way in. Close ends it.
type Sent struct {
	Fields Fields
	// Name is the file's name as the part gives it; "" without one.
	Name string

	gate Gate
	c    access.Caller
	in   *counted
	form *web.Form     // nil: the body is the file itself
	held *gateway.Held // nil: it is read while it arrives
	next *web.Part     // the file that follows in the form
}

// counted knows how much of a file has been read.
type counted struct {
	r io.Reader
	n int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// Len is the file's length in bytes once all of it has arrived: that of one which is
// held, or which was received without an error.
func (s *Sent) Len() int64 {
	if s.held != nil {
		return s.held.Len
	}
	return s.in.n
}

// Held reports whether all of the file has arrived before its place is known.
func (s *Sent) Held() bool { return s.held != nil }

// Hold takes the file to the host before it is decided where it belongs.
func (s *Sent) Hold(ctx context.Context, at Place) error {
	held, err := s.gate.Hold(ctx, s.c, at.Host, at.Dir, s.in, maxHeld)
	if err == nil {
		s.held = held
		_, err = s.rest(gateway.Upload{}, nil)
	}
	return err
}

// Receive brings the file's bytes to an upload, at b.Off.
func (s *Sent) Receive(ctx context.Context, to Session, b gateway.Body) (gateway.Upload, error) {
	if s.held != nil {
		u, err := s.held.Place(ctx, to.ID, b.Off)
		return u, to.judge(err)
	}
	b.R = s.in
	u, err := s.gate.Receive(ctx, s.c, to.ID, b)
	return s.rest(u, to.judge(err))
}

// ReceiveChunk brings them as a chunk of that index, counted from 0.
func (s *Sent) ReceiveChunk(ctx context.Context, to Session, index int64, b gateway.Body) (gateway.Upload, error) {
	if s.held != nil {
		u, err := s.held.PlaceChunk(ctx, to.ID, index)
		return u, to.judge(err)
	}
	b.R = s.in
	u, err := s.gate.ReceiveChunk(ctx, s.c, to.ID, index, b)
	return s.rest(u, to.judge(err))
}

// Put brings them as a whole file and returns when it is published. An unfinished
// upload of another file there is given up for it.
func (s *Sent) Put(ctx context.Context, at Place, path string, makeDirs bool) (gateway.Upload, error) {
	o := at.Options
	o.MakeDirs = o.MakeDirs || makeDirs
	done, err := s.gate.PutFile(ctx, s.c, gateway.PutRequest{Host: at.Host, Path: path, Options: o, Size: -1, Restart: true,
		R: s.in, Patience: s.gate.Wait})
	return s.rest(done.Upload, err)
}

// rest reads what follows the file in its form up to the next file, so that the
// connection can be kept. It means nothing: the file came whole.
func (s *Sent) rest(u gateway.Upload, err error) (gateway.Upload, error) {
	s.next = nil
	for end := err; end == nil && s.form != nil && s.next == nil; {
		var part *web.Part
		if part, end = s.form.Next(); end == nil && part.File {
			s.next = part
		}
	}
	return u, err
}

// Next goes on to the next file of the form, with the fields of the first one, once
// that has been received; it reports whether there is one.
func (s *Sent) Next() bool {
	if s.next == nil {
		return false
	}
	s.begin(s.next)
	s.next = nil
	return true
}

// As makes it that of another caller, where only the fields say whose it is. What is
// held is the caller's that ReadForm was told.
func (s *Sent) As(c access.Caller) { s.c = c }

// Close gives up what is held.
func (s *Sent) Close(ctx context.Context) {
	if s.held != nil {
		s.held.Drop(ctx)
	}
}
