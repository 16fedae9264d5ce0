package client

import "context"

// Conclude has an upload merged and waits for the end of that, which is its error if
// it fails.
func (c *Client) Conclude(ctx context.Context, id string, r FinishRequest, seen func(Upload)) (u Upload, err error) {
	err = c.persist(ctx, func() error {
		if u, err = c.Finish(ctx, id, r); err != nil {
			return err
		}
		seen(u)
		if !u.waits() {
			if u, err = c.Follow(ctx, id, seen); err != nil {
				return err
			}
		}
		return outcomeOf(u)
	})
	return u, err
}

// outcomeOf is the error that an upload has ended with.
func outcomeOf(u Upload) error {
	switch u.State {
	case Done:
		return nil
	case Cancelled:
		return &Error{Problem: Problem{Code: Cancelled, Detail: "the upload was cancelled"}}
	}
	p := Problem{Code: Failed, Detail: "the gateway does not say why the upload failed"}
	if u.Error != nil {
		p = *u.Error
	}
	return &Error{Problem: p}
}
