package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Problem is a problem document (RFC 9457) of the gateway.
type Problem struct {
	Title     string     `json:"title,omitempty"`
	Status    int        `json:"status,omitempty"`
	Detail    string     `json:"detail,omitempty"`
	Code      string     `json:"code,omitempty"`
	Retryable bool       `json:"retryable"`
	Missing   []Span     `json:"missing,omitempty"` // of incomplete
	Size      *int64     `json:"size,omitempty"`    // of the file in the way, as MTime and ETag
	MTime     *time.Time `json:"mtime,omitempty"`
	ETag      string     `json:"etag,omitempty"`
	Upload    *Upload    `json:"upload,omitempty"` // the caller's own that stands there
}

// Codes of errors that no gateway sent.
const (
	// Unreached: no answer came.
	Unreached = "unreached"
	// Stalled: nothing moved for too long.
	Stalled = "stalled"
	// NotAGateway: something else answered in the gateway's place.
	NotAGateway = "not-a-gateway"
)

// Error is why a call failed.
type Error struct {
	Problem
	// RetryAfter is how long the gateway wants to be left alone.
	RetryAfter time.Duration
	// Err is the cause where no gateway answered.
	Err error
}

func (e *Error) Error() string {
	switch {
	case e.Detail != "":
		return e.Detail
	case e.Title != "":
		return e.Title
	}
	return e.Code
}

func (e *Error) Unwrap() error { return e.Err }

// CodeOf is the code of err, "" if it is no [*Error].
func CodeOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// problemOf is the problem in err, nil if it is no [*Error].
func problemOf(err error) *Problem {
	var e *Error
	if errors.As(err, &e) {
		return &e.Problem
	}
	return nil
}

// Passing reports whether waiting alone may help against err. No room on a host
// (507) is for a person to mend, although the same call may succeed later.
func Passing(err error) bool {
	var e *Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Code {
	case Unreached, Stalled:
		return e.Retryable
	}
	switch e.Status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	}
	return e.Status >= 500 && e.Status != http.StatusInsufficientStorage && e.Retryable
}

// problemIn reads the error in an answer that is no success.
func problemIn(answer *http.Response, body []byte) *Error {
	e := &Error{RetryAfter: waitIn(answer.Header.Get("Retry-After"), time.Now())}
	if json.Unmarshal(body, &e.Problem) == nil && e.Code != "" {
		e.Status = answer.StatusCode
		return e
	}
	e.Problem = Problem{Code: NotAGateway, Status: answer.StatusCode, Retryable: answer.StatusCode >= 500,
		Detail: fmt.Sprintf("%s returned %s, which is not a gateway's response: check the gateway's URL and any proxy in front of it",
			answer.Request.URL.Redacted(), answer.Status)}
	switch answer.StatusCode { // a proxy that speaks for the gateway
	case http.StatusUnauthorized:
		e.Code = "unauthenticated"
	case http.StatusForbidden:
		e.Code = "forbidden"
	case http.StatusRequestEntityTooLarge:
		e.Code = "too-large"
	case http.StatusTooManyRequests:
		e.Code = "too-many"
	}
	return e
}

// waitIn reads Retry-After, which is a number of seconds or a date.
func waitIn(header string, now time.Time) time.Duration {
	if n, err := strconv.ParseUint(strings.TrimSpace(header), 10, 31); err == nil {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(header); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}
