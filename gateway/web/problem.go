package web

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"sftpgate/gateway"
)

// Codes that belong to HTTP and not to uploads.
const (
	NotFound         gateway.Code = "not-found"
	MethodNotAllowed gateway.Code = "method-not-allowed"
	RequestTimeout   gateway.Code = "request-timeout"
	ClientGone       gateway.Code = "client-gone"
	// UnsupportedMediaType: the body is of another kind than is taken there.
	UnsupportedMediaType gateway.Code = "unsupported-media-type"
	Internal             gateway.Code = "internal"
)

type kind struct {
	status int
	title  string
}

// statusClientGone is what servers log of a client that left before its answer. No
// client sees it; it keeps such requests out of the server's failures.
const statusClientGone = 499

// kinds is the one place that gives a code its HTTP status.
var kinds = map[gateway.Code]kind{
	gateway.InvalidRequest:      {http.StatusBadRequest, "Invalid request"},
	gateway.Unauthenticated:     {http.StatusUnauthorized, "Not authenticated"},
	gateway.Forbidden:           {http.StatusForbidden, "Not allowed"},
	gateway.PathForbidden:       {http.StatusForbidden, "Path not allowed"},
	gateway.PermissionDenied:    {http.StatusForbidden, "Permission denied on the host"},
	gateway.UnknownHost:         {http.StatusNotFound, "No such host"},
	gateway.UnknownUpload:       {http.StatusNotFound, "No such upload"},
	NotFound:                    {http.StatusNotFound, "No such address"},
	MethodNotAllowed:            {http.StatusMethodNotAllowed, "Method not allowed"},
	RequestTimeout:              {http.StatusRequestTimeout, "The body arrived too slowly"},
	ClientGone:                  {statusClientGone, "The client disconnected"},
	gateway.TargetExists:        {http.StatusConflict, "The target already exists"},
	gateway.DifferentFile:       {http.StatusConflict, "Another file is being uploaded there"},
	gateway.ChunkConflict:       {http.StatusConflict, "Different bytes were already sent"},
	gateway.Incomplete:          {http.StatusConflict, "Parts of the file are missing"},
	gateway.NoSuchDirectory:     {http.StatusConflict, "The directory does not exist"},
	gateway.NotAFile:            {http.StatusConflict, "The target is not a file"},
	gateway.ChangedMeanwhile:    {http.StatusPreconditionFailed, "The target has changed"},
	gateway.TooLarge:            {http.StatusRequestEntityTooLarge, "Too large"},
	UnsupportedMediaType:        {http.StatusUnsupportedMediaType, "Unsupported body type"},
	gateway.DigestMismatch:      {http.StatusUnprocessableEntity, "The bytes do not match their digest"},
	gateway.TooMany:             {http.StatusTooManyRequests, "Too many requests at once"},
	gateway.OwnedByAnother:      {http.StatusLocked, "Somebody else is uploading there"},
	gateway.HostRefused:         {http.StatusBadGateway, "The host refused the gateway"},
	gateway.HostError:           {http.StatusBadGateway, "The host answered with an error"},
	gateway.HostTimeout:         {http.StatusGatewayTimeout, "The host did not answer in time"},
	gateway.HostUnreachable:     {http.StatusServiceUnavailable, "The host cannot be reached"},
	gateway.RegistryUnavailable: {http.StatusServiceUnavailable, "The registry cannot be reached"},
	gateway.ShuttingDown:        {http.StatusServiceUnavailable, "The gateway is shutting down"},
	gateway.StillFinishing:      {http.StatusServiceUnavailable, "The file is still being finished"},
	gateway.NoSpace:             {http.StatusInsufficientStorage, "No space left on the host"},
	gateway.Quota:               {http.StatusInsufficientStorage, "The quota is used up"},
	Internal:                    {http.StatusInternalServerError, "Internal error in the gateway"},
}

// Statuses gives each code that a client can see its HTTP status.
func Statuses() map[gateway.Code]int {
	all := make(map[gateway.Code]int, len(kinds))
	for code, k := range kinds {
		all[code] = k.status
	}
	delete(all, ClientGone)
	return all
}

// defaultRetryAfter is what a 429 or 503 says when the refusal does not.
const defaultRetryAfter = 5 * time.Second

// Problem is a refusal as a client sees it (RFC 9457), with the members of the
// API's contract.
type Problem struct {
	Type      string       `json:"type"`
	Title     string       `json:"title"`
	Status    int          `json:"status"`
	Detail    string       `json:"detail"`
	Code      gateway.Code `json:"code"`
	Retryable bool         `json:"retryable"`
	// Missing holds the half-open byte ranges still to be sent.
	Missing [][2]int64 `json:"missing,omitempty"`
	// Size, MTime and ETag describe the file in the way.
	Size  *int64     `json:"size,omitempty"`
	MTime *time.Time `json:"mtime,omitempty"`
	ETag  string     `json:"etag,omitempty"`
	// Upload is the standing upload, when it is the caller's own.
	Upload *Upload `json:"upload,omitempty"`

	// RetryAfter is when to try again, 0 when there is nothing to say.
	RetryAfter time.Duration `json:"-"`
	// operator stands for Detail where an administrator asks; "" where it is the same.
	operator string
	// cause is for the log.
	cause error
}

// Explain turns any error into what a client may see of it. An error that is
// no refusal becomes "internal" without a detail of its own.
func Explain(err error) Problem {
	refusal := refusalOf(err)
	k, known := kinds[refusal.Code]
	if !known {
		refusal = internal(err)
		k = kinds[Internal]
	}
	p := Problem{
		Type: "urn:sftpgate:problem:" + string(refusal.Code), Title: k.title, Status: k.status,
		Detail: refusal.Detail, Code: refusal.Code,
		Retryable: refusal.Retryable() || refusal.Code == RequestTimeout || refusal.Code == ClientGone,
		Missing:   refusal.Missing, RetryAfter: refusal.RetryAfter, cause: refusal.Err, operator: refusal.Operator,
	}
	if refusal.Logged {
		p.cause = errors.New(refusal.Detail)
	}
	if e := refusal.Existing; e != nil {
		mtime := e.MTime.UTC()
		p.Size, p.MTime, p.ETag = &e.Size, &mtime, e.ETag
	}
	if refusal.Upload != nil {
		u := ViewOf(*refusal.Upload)
		p.Upload = &u
	}
	if p.RetryAfter <= 0 && (k.status == http.StatusServiceUnavailable || k.status == http.StatusTooManyRequests) {
		p.RetryAfter = defaultRetryAfter
	}
	return p
}

// refusalOf finds the refusal in err. A body that did not come whole comes
// first: whatever was made of it on the way, it is not the host's fault.
func refusalOf(err error) *gateway.Error {
	var refusal *gateway.Error
	var body *BodyError
	if errors.As(err, &body) {
		cut := &gateway.Error{Code: gateway.InvalidRequest, Err: err,
			Detail: "the body ended before it was complete; send it again"}
		why := ""
		switch {
		case body.Stalled:
			cut.Code, why = RequestTimeout, "the body stalled; "
		case body.Slow:
			cut.Code, why = RequestTimeout, "the body arrived too slowly; "
		}
		if why != "" {
			cut.Detail = why + "send it again, in smaller pieces if you can"
		}
		if errors.As(err, &refusal) && refusal.Code == gateway.InvalidRequest {
			cut.Detail = why + refusal.Detail // who read the body knows what is kept of it
		}
		return cut
	}
	if errors.As(err, &refusal) {
		return refusal
	}
	if errors.Is(err, context.Canceled) {
		return &gateway.Error{Code: ClientGone, Err: err, Detail: "the client disconnected before the answer"}
	}
	return internal(err)
}

func internal(err error) *gateway.Error {
	return &gateway.Error{Code: Internal, Err: err,
		Detail: "the gateway's log has the details; what was acknowledged is safe"}
}

// Fail answers r with the problem that err is, and keeps the cause for the log
// line. Where an answer has begun already, the connection is cut, so that half
// an answer is not taken for a whole one.
func Fail(w http.ResponseWriter, r *http.Request, err error) { failAs(w, r, err, writeProblem) }

func writeProblem(w http.ResponseWriter, r *http.Request, p Problem) {
	body, err := JSON(p)
	if err != nil { // no member can fail to encode; an empty object is still a problem document
		body = []byte("{}")
	}
	writeBody(w, r, p.Status, "application/problem+json", body)
}

// Remember puts the refusal into the request's log line, where an answer is not
// the refusal alone.
func Remember(r *http.Request, p Problem) {
	if x := exchangeOf(r); x != nil {
		x.code = p.Code
		if p.cause != nil {
			x.cause = p.cause
		}
	}
}

// SetRetryAfter sets the header of that name, in whole seconds, rounded up.
func (p Problem) SetRetryAfter(h http.Header) {
	if p.RetryAfter > 0 {
		h.Set("Retry-After", strconv.FormatInt(int64(math.Ceil(p.RetryAfter.Seconds())), 10))
	}
}
