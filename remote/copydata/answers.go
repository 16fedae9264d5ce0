package copydata

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
)

// StatusError is the server's refusal of a request. errors.Is finds
// fs.ErrNotExist and fs.ErrPermission in it.
type StatusError struct {
	Code uint32 // SSH_FX_…
	Msg  string // the server's words
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("the server answered %q (SFTP status %d)", e.Msg, e.Code)
}

// Is knows the two codes that have a name in Go.
func (e *StatusError) Is(target error) bool {
	return target == fs.ErrNotExist && e.Code == codeNoSuchFile || target == fs.ErrPermission && e.Code == codePermissionDenied
}

// status reads an answer that can only be a status; nil is SSH_FX_OK.
func (a answer) status() error {
	if a.kind != typeStatus {
		return fmt.Errorf("%w: a packet of type %d", errAnswer, a.kind)
	}
	f := fields{rest: a.body}
	e := &StatusError{Code: f.uint32()}
	if !f.end() { // servers older than version 3 give the code alone
		msg := f.string()
		e.Msg = string(msg[:min(len(msg), maxMessage)])
	}
	if !f.end() {
		f.string() // its language
	}
	switch {
	case !f.complete():
		return fmt.Errorf("%w: a broken status", errAnswer)
	case e.Code == codeOK:
		return nil
	}
	return e
}

// as opens the fields of an answer of one type; a status instead is the error
// that it tells.
func (a answer) as(kind byte) (fields, error) {
	if a.kind == kind {
		return fields{rest: a.body}, nil
	}
	err := a.status()
	if err == nil {
		err = fmt.Errorf("%w: success, and no more", errAnswer)
	}
	return fields{}, err
}

func (a answer) handle() (string, error) {
	f, err := a.as(typeHandle)
	if err != nil {
		return "", err
	}
	h := string(f.string())
	if !f.complete() || h == "" || len(h) > maxHandle {
		return "", fmt.Errorf("%w: a broken handle", errAnswer)
	}
	return h, nil
}

// data reads the answer to a READ of n bytes, n at least 1. None are the end of the file.
func (a answer) data(n int) ([]byte, error) {
	f, err := a.as(typeData)
	var status *StatusError
	if errors.As(err, &status) && status.Code == codeEOF {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	b := f.string()
	if !f.complete() || len(b) == 0 || len(b) > n {
		return nil, fmt.Errorf("%w: %d bytes to a READ of %d", errAnswer, len(b), n)
	}
	return b, nil
}

// size reads ATTRS for the length of a file.
func (a answer) size() (int64, error) {
	f, err := a.as(typeAttrs)
	if err != nil {
		return 0, err
	}
	flags := f.uint32()
	var size uint64
	if flags&attrSize != 0 {
		size = f.uint64()
	}
	for _, skip := range [...]struct{ flag, length uint32 }{{attrOwner, 8}, {attrMode, 4}, {attrTimes, 8}} {
		if flags&skip.flag != 0 {
			f.take(int(skip.length))
		}
	}
	if flags&attrExtended != 0 {
		for n := f.uint32(); n > 0 && !f.short; n-- {
			f.string()
			f.string()
		}
	}
	switch {
	case !f.complete() || size > math.MaxInt64:
		return 0, fmt.Errorf("%w: broken attributes", errAnswer)
	case flags&attrSize == 0:
		return 0, errors.New("the server does not report a file's size")
	}
	return int64(size), nil
}
