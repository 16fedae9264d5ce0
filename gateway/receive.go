package gateway

import (
	"context"
	"time"

	"sftpgate/gateway/access"
)

// Receive takes a span of the file. After it returns without an error every
// byte of the body is durable on the host and counted, under a name that is
// durable too. Sending the same again is a no-op; other bytes at the same place
// are refused with chunk-conflict. Of a body that is cut what arrived is kept,
// unless it declared a digest.
func (s *Service) Receive(ctx context.Context, c access.Caller, id string, b Body) (Upload, error) {
	done, err := s.enter()
	if err != nil {
		return Upload{}, err
	}
	defer done()
	u, over, err := s.find(ctx, c, access.OpUpload, id)
	if err != nil {
		return Upload{}, err
	}
	if over != nil {
		return s.repeatAfterEnd(ctx, *over, b)
	}
	b.limit = c.MaxSize()
	if err = u.confirm(ctx); err == nil {
		over, err = u.awaitFinish(ctx)
	} else {
		over, err = s.settled(ctx, u, err)
	}
	switch {
	case over != nil:
		return s.repeatAfterEnd(ctx, *over, b)
	case err != nil:
		return Upload{}, err
	}
	u.touch()
	if b.in, err = s.admitBody(ctx, u.host, u.gen.State().Meta.User, b.R, b.Len); err != nil {
		return u.view(false), err
	}
	defer b.in.Release()
	b.R = b.in
	err = u.receive(ctx, b)
	if err == nil {
		return u.view(false), nil
	}
	over, err = s.settled(ctx, u, err)
	switch {
	case over == nil:
		return u.view(false), err
	case over.State == Done:
		// The body is half read: only a repetition can be compared with the file.
		return *over, Refuse(DifferentFile, "the upload was finished while this body was being sent; send it again to check that its bytes are in the file")
	}
	return *over, Refuse(DifferentFile, "upload %s was cancelled", id)
}

// ReceiveChunk is Receive for a chunk by its index. The chunk size is fixed by
// the declaration, or by chunk 0. Where chunk 0 comes without its length, nothing of
// it is kept unless it comes whole: its end would be taken for the size of a chunk.
func (s *Service) ReceiveChunk(ctx context.Context, c access.Caller, id string, index int64, b Body) (Upload, error) {
	u, over, err := s.find(ctx, c, access.OpUpload, id)
	if err != nil {
		return Upload{}, err
	}
	size, total, err := u.chunkSize(ctx, over, index)
	if err != nil {
		return Upload{}, err
	}
	fix := size == 0 && index == 0 && b.Len > 0 && over == nil
	if fix {
		size = b.Len
	}
	if size == 0 && index == 0 && b.Len < 0 {
		b.fixes, b.Off = true, 0
		return s.Receive(ctx, c, id, b)
	}
	if b.Off, err = chunkOffset(index, size, total, b.Len); err != nil {
		return Upload{}, err
	}
	b.most = size
	if total >= 0 && b.Len < 0 { // without a Content-Length it still must be the whole chunk
		b.Len = min(size, total-b.Off)
	}
	v, err := s.Receive(ctx, c, id, b)
	if err == nil && fix {
		if err = u.fixChunkSize(ctx, size); err == nil {
			v.ChunkSize = size
		}
	}
	return v, err
}

// chunkSize is the chunk size, 0 while it is not fixed, and the file's size. Another
// gateway may have fixed it by chunk 0.
func (u *upload) chunkSize(ctx context.Context, over *Upload, index int64) (size, total int64, err error) {
	if over != nil {
		return over.ChunkSize, over.Size, nil
	}
	meta := u.gen.State().Meta
	if meta.ChunkSize == 0 && index > 0 {
		err = u.refresh(ctx)
		meta = u.gen.State().Meta
	}
	return meta.ChunkSize, meta.Size, err
}

// receive cuts the body into pieces and commits each alone, the next one
// streaming while the ones before are being made durable.
func (u *upload) receive(ctx context.Context, b Body) error {
	u.use(1)
	defer u.use(-1)
	began := time.Now()
	end, err := u.bounds(b)
	if err == nil {
		err = u.checkSpace(ctx)
	}
	if err == nil {
		err = u.checkLength(ctx, b)
	}
	if err != nil {
		u.s.measureBody(u.hostID(), 0, began, err)
		return err
	}
	u.expect(b.Off, end)
	r := &receiver{u: u, ctx: ctx, in: b.in, body: newBody(b.R, b.Digest != nil), off: b.Off, end: end, exact: b.Len >= 0, digest: b.Digest, check: b.Check, fixes: b.fixes,
		slots: make(chan struct{}, commitsAhead)}
	r.lanes = u.gen.Lanes()
	err = explain(u.hostID(), r.run())
	r.lanes.Close()
	u.s.measureBody(u.hostID(), r.body.read, began, err)
	u.saveSometimes(context.WithoutCancel(ctx))
	return err
}
