package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

const (
	patience = 60 * time.Second  // for a body that does not move
	answerIn = 120 * time.Second // for an answer: before it the host has synced the bytes
	longest  = 64 << 20          // bytes of an answer
)

// call is one request and what is sent with it.
type call struct {
	method, path string
	upload       string // its id, where the call belongs to one
	header       map[string]string
	body         func() io.Reader // made anew for each try
	size         int64            // of the body
	moved        func(int64)      // told how many bytes of the body have left, less those that count for nothing
}

// jsonCall has v as its body, unless it is nil.
func jsonCall(method, path string, v any) call {
	c := call{method: method, path: path}
	if v != nil {
		text, err := json.Marshal(v)
		if err != nil { // no request has a member that cannot be encoded
			panic(err)
		}
		c.header = map[string]string{"Content-Type": "application/json"}
		c.size, c.body = int64(len(text)), func() io.Reader { return bytes.NewReader(text) }
	}
	return c
}

// ask makes the call until it is answered, and reads the answer into v, unless that is nil.
func (c *Client) ask(ctx context.Context, r call, v any) (status int, err error) {
	err = c.persist(ctx, func() error {
		status, err = c.once(ctx, r, v)
		return err
	})
	return status, err
}

// once makes the call, and again with the upload's own token where the ticket is refused.
func (c *Client) once(ctx context.Context, r call, v any) (int, error) {
	status, err := c.as(ctx, c.options.Ticket, r, v)
	if CodeOf(err) == "unauthenticated" && r.upload != "" {
		if token := c.tokenOf(r.upload); token != "" {
			return c.as(ctx, token, r, v)
		}
	}
	return status, err
}

func (c *Client) as(ctx context.Context, bearer string, r call, v any) (int, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	w := watch(cancel)
	defer w.Stop()
	var body io.Reader
	var sent *flow
	if r.body != nil {
		sent = &flow{in: r.body(), size: r.size, watchdog: w, moved: r.moved}
		body = sent
	}
	answer, err := c.send(ctx, bearer, r, body)
	if err == nil {
		var text []byte
		text, err = io.ReadAll(io.LimitReader(answer.Body, longest))
		_ = answer.Body.Close()
		if err == nil {
			err = decode(answer, text, v)
		} else {
			err = c.unreached(ctx, err)
		}
	}
	if err != nil {
		if sent != nil {
			sent.takeBack()
			if failure := sent.failure(); failure != nil { // no fault of the gateway's, and none that passes
				return 0, failure
			}
		}
		return 0, err
	}
	return answer.StatusCode, nil
}

func decode(answer *http.Response, text []byte, v any) error {
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		return problemIn(answer, text)
	}
	if v == nil {
		return nil
	}
	if err := json.Unmarshal(text, v); err != nil { // such as a page that somebody is to sign in on
		return problemIn(answer, nil)
	}
	return nil
}

// send sends the request and gives the answer, whatever that says.
func (c *Client) send(ctx context.Context, bearer string, r call, body io.Reader) (*http.Response, error) {
	q, err := http.NewRequestWithContext(ctx, r.method, c.base+r.path, body)
	if err != nil {
		return nil, err
	}
	if r.body != nil {
		q.ContentLength = r.size
		if r.size == 0 {
			q.Body = http.NoBody
		}
	}
	for name, value := range r.header {
		q.Header.Set(name, value)
	}
	if c.options.Agent != "" {
		q.Header.Set("User-Agent", c.options.Agent)
	}
	if bearer != "" {
		q.Header.Set("Authorization", "Bearer "+bearer)
	}
	answer, err := c.http.Do(q)
	if err != nil {
		return nil, c.unreached(ctx, err)
	}
	return answer, nil
}

// unreached is the error of a call that no answer came to.
func (c *Client) unreached(ctx context.Context, err error) error {
	var certificate *tls.CertificateVerificationError
	var name *net.DNSError
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, errStalled):
		return &Error{Problem: Problem{Code: Stalled, Retryable: true, Detail: "the gateway did not answer in time: " + errStalled.Error()}, Err: cause}
	case cause != nil:
		return cause
	case errors.As(err, &certificate):
		return &Error{Problem: Problem{Code: Unreached, Detail: fmt.Sprintf("the gateway's certificate is not trusted: %v", certificate.Err)}, Err: err}
	}
	final := errors.As(err, &name) && name.IsNotFound || errors.As(err, new(tls.RecordHeaderError))
	return &Error{Problem: Problem{Code: Unreached, Retryable: !final, Detail: fmt.Sprintf("the gateway cannot be reached: %v", err)}, Err: err}
}
