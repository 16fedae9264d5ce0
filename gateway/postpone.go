package gateway

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"
)

// needsOperator lists the refusals of a finish that its client can do nothing about, and
// that the host gives before it has recorded what was asked for.
var needsOperator = map[Code]bool{PermissionDenied: true, NoSpace: true}

// postpone keeps a finish in mind, for which all was there, that the host could not
// record: once it can, the finish goes on as one that was stopped later does. The index
// keeps it in mind for when this gateway ends before that.
func (u *upload) postpone(ctx context.Context, r FinishRequest, err error) {
	var refused *Error
	if !errors.As(explain(u.hostID(), err), &refused) || !needsOperator[refused.Code] {
		return
	}
	u.mu.Lock()
	if u.result != nil || u.finishing {
		u.mu.Unlock()
		return
	}
	u.postponed, u.postponedAt = &r, time.Now()
	u.failure, u.state = refused, Failed
	u.mu.Unlock()
	u.save(context.WithoutCancel(ctx))
}

// inherit takes up a finish that another gateway has postponed, as the index tells it. It
// is not kept here: the index tells it again, or what became of it.
func (u *upload) inherit(e Entry) (letGo func()) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.postponed != nil || u.finishing || u.gen.State().Finish != nil || e.Upload.State != Failed || e.Upload.Error == nil || !needsOperator[e.Upload.Error.Code] {
		return func() {}
	}
	lent := &FinishRequest{Size: e.Upload.Size, Digest: e.Upload.Digest}
	u.postponed, u.postponedAt = lent, time.Now()
	return func() {
		u.mu.Lock()
		defer u.mu.Unlock()
		if u.postponed == lent { // a client may have asked here meanwhile
			u.postponed = nil
		}
	}
}

// withPostponed adds to what the index is told what a postponed finish declared.
func (u *upload) withPostponed(e Entry) Entry {
	u.mu.Lock()
	defer u.mu.Unlock()
	r := u.postponed
	if r == nil || u.result != nil || time.Since(u.postponedAt) >= u.s.expireAfter {
		return e
	}
	e.Pending = true
	if r.Size >= 0 {
		e.Upload.Size = r.Size
	}
	if r.Digest != nil {
		e.Upload.Digest = r.Digest
	}
	return e
}

// askAgain asks for a finish that was postponed.
func (u *upload) askAgain(ctx context.Context) error {
	u.mu.Lock()
	r := u.postponed
	u.mu.Unlock()
	if r == nil || u.isFinishing() {
		return nil
	}
	err := explain(u.hostID(), u.askToFinish(ctx, *r))
	if goesAway[CodeOf(err)] {
		return err
	}
	u.mu.Lock()
	if u.postponed == r {
		u.postponed = nil
	}
	var refused *Error
	if errors.As(err, &refused) {
		u.failure = refused
	}
	u.mu.Unlock()
	if err == nil {
		u.startFinish()
	}
	u.save(ctx)
	return err
}

// listPostponed lists the uploads whose finish this gateway keeps in mind. One that is
// older than an unfinished upload is kept is forgotten.
func (s *Service) listPostponed() (list []Entry) {
	s.mu.Lock()
	active := slices.Collect(maps.Values(s.active))
	s.mu.Unlock()
	for _, u := range active {
		u.mu.Lock()
		if u.postponed != nil && time.Since(u.postponedAt) >= s.expireAfter {
			u.postponed = nil
		}
		postponed := u.postponed != nil
		u.mu.Unlock()
		if postponed {
			list = append(list, u.entry())
		}
	}
	return list
}
