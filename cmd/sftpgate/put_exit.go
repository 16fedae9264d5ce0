package main

import (
	"context"
	"errors"
	"fmt"

	"sftpgate/gateway/client"
)

// Further exit statuses, of the commands that ask a gateway.
const (
	exitPartly      = 3
	exitLogin       = 4
	exitAgain       = 5
	exitConflict    = 6
	exitDigest      = 7
	exitInterrupted = 130
)

// statusError ends a command with a status of its own; without a text the command has
// said what is wrong.
type statusError struct {
	status int
	text   string
}

func (e *statusError) Error() string { return e.text }

// statusOf is the exit status for an error of the gateway.
func statusOf(err error) int {
	var e *client.Error
	if !errors.As(err, &e) {
		return exitFailed
	}
	switch e.Code {
	case "unknown-upload": // opening it again is for put
		return exitFailed
	case "unauthenticated", "forbidden":
		return exitLogin
	case "target-exists", "different-file", "chunk-conflict", "changed-meanwhile", "owned-by-another", "not-a-file":
		return exitConflict
	case "digest-mismatch":
		return exitDigest
	}
	if e.Retryable || client.Passing(err) {
		return exitAgain
	}
	return exitFailed
}

// asked ends a command that a gateway has refused.
func asked(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return &statusError{exitInterrupted, "interrupted"}
	}
	return &statusError{statusOf(err), inWords(err)}
}

// advice is what a person can do on this command line, by the gateway's code.
var advice = map[string]string{
	"target-exists":     "use --if-exists replace, skip or newer to change this",
	"different-file":    "--restart discards your unfinished upload there",
	"chunk-conflict":    "--restart discards your unfinished upload there",
	"no-such-directory": "--make-dirs creates it",
	"unauthenticated":   "authenticate with --ticket, SFTPGATE_TICKET or the config file",
}

// inWords is an error with what to do.
func inWords(err error) string {
	var e *client.Error
	if errors.As(err, &e) && advice[e.Code] != "" {
		return printable(e.Error()) + " (" + advice[e.Code] + ")"
	}
	return printable(err.Error())
}

// conclude is the exit status of the whole, which is so many outcomes.
func (s *sending) conclude(ctx context.Context, args []string, whole int) error {
	good, status := 0, exitOK
	for _, o := range s.outcomes {
		switch of := statusOf(o.err); {
		case o.err == nil:
			good++
		case status == exitOK || status == of:
			status = of
		default: // of several kinds
			status = exitFailed
		}
	}
	switch {
	case ctx.Err() != nil && len(s.outcomes) < whole:
		return &statusError{exitInterrupted, "interrupted; what the gateway acknowledged is kept. To continue:\n  " + s.again(args)}
	case status == exitOK:
		return nil
	case good > 0:
		return &statusError{status: exitPartly}
	}
	return &statusError{status: status}
}

// countOf is a number of files.
func countOf(n int) string {
	if n == 1 {
		return "1 file"
	}
	return fmt.Sprintf("%d files", n)
}
