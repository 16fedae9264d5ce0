package client

import (
	"context"
	"errors"
	"time"

	"github.com/cenkalti/backoff/v5"
)

const longestPause = 30 * time.Second

// persist does something until it succeeds, fails with what waiting does not help
// against, or nothing has succeeded for as long as the options allow: whoever has many
// calls to make does not wait anew for each.
func (c *Client) persist(ctx context.Context, do func() error) error {
	pauses := backoff.NewExponentialBackOff()
	pauses.MaxInterval = longestPause
	for {
		err := do()
		since := c.failingSince(err)
		if err == nil || ctx.Err() != nil || !Passing(err) {
			return ended(ctx, err)
		}
		wait := pauses.NextBackOff()
		var e *Error
		if errors.As(err, &e) && e.RetryAfter > 0 { // never sooner, and not all at once
			wait = e.RetryAfter + min(wait, 2*time.Second)
		}
		if time.Since(since)+wait > c.options.RetryFor {
			return err
		}
		if c.options.Waits != nil {
			c.options.Waits(err, wait)
		}
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// failingSince notes how something went, and is since when nothing has succeeded.
func (c *Client) failingSince(err error) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case !Passing(err):
		c.failing = time.Time{} // it was answered
	case c.failing.IsZero():
		c.failing = time.Now()
	}
	return c.failing
}

// ended is the context's cause where that has ended, else err.
func ended(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
