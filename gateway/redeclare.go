package gateway

import (
	"errors"

	"sftpgate/remote/merge"
	"sftpgate/remote/record"
)

// errRedeclared: a finish has declared another digest since the file was checked
// against the one before.
var errRedeclared = errors.New("another digest was declared in the meantime")

// redeclared reports whether err is about a digest that is not the declared one any more.
func (u *upload) redeclared(err error, declared *record.Sum) bool {
	var wrong *merge.DigestError
	return errors.As(err, &wrong) && !sameSum(declared, u.gen.State().Digest())
}

// sameDigest is check for a file that was checked against a digest: it must still be the
// declared one in the moment in which publication begins.
func sameDigest(declared *record.Sum, check func(record.State) error) func(record.State) error {
	return func(now record.State) error {
		if !sameSum(declared, now.Digest()) {
			return errRedeclared
		}
		return check(now)
	}
}

func sameSum(a, b *record.Sum) bool {
	return a == b || a != nil && b != nil && *a == *b
}
