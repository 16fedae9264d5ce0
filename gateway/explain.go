package gateway

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"sftpgate/remote/merge"
	"sftpgate/remote/merge/engine"
	"sftpgate/remote/record"
	"sftpgate/remote/sshpool"
	"sftpgate/remote/staging"
)

// explain turns what went wrong below into a refusal that a client can act
// on. It is the one place where errors of the host get their code.
func explain(host string, err error) error {
	var refused *Error
	if err == nil {
		return nil
	}
	if errors.As(err, &refused) {
		return refused
	}
	if e := explainTarget(host, err); e != nil {
		return e
	}
	var (
		conn    *sshpool.Error
		missing *merge.MissingError
		digest  *merge.DigestError
	)
	switch {
	case errors.Is(err, staging.ErrNoSpace):
		return &Error{Code: NoSpace, Err: err, Detail: "host " + host + " has no space left for this file; what was sent is kept: free some space (df and df -i show whether bytes or inodes ran out), then continue"}
	case errors.Is(err, staging.ErrReadOnly):
		return &Error{Code: PermissionDenied, Err: err, Detail: "the filesystem of the target is mounted read-only on host " + host + ": nothing can be stored until it is writable again; what was acknowledged is kept"}
	case errors.Is(err, staging.ErrQuota):
		return &Error{Code: NoSpace, Err: err, Detail: "the disk quota of the login user on host " + host + " is used up, or the account's files are limited, although the filesystem has room; what was sent is kept: free some space (quota shows how much), then continue; if neither applies, its disk is failing: see that machine's log"}
	case errors.Is(err, staging.ErrFails):
		return &Error{Code: HostError, Err: err, RetryAfter: time.Minute, Detail: "the target's filesystem on host " + host + " is failing (input/output error): nothing can be written there; what was acknowledged is kept. See that machine's log, repair the disk, then continue"}
	case errors.Is(err, staging.ErrFileSize):
		return &Error{Code: TooLarge, Err: err, Detail: "the target's filesystem on host " + host + ", or a limit of the login user, does not allow files this large (FAT stops short of 4 GiB): choose a directory on another filesystem, or send a smaller file"}
	case errors.Is(err, staging.ErrSuperseded):
		return &Error{Code: DifferentFile, Err: err, Detail: "this upload was cancelled, restarted or finished in the meantime; nothing was changed: check the list of uploads"}
	case errors.As(err, &missing):
		return &Error{Code: Incomplete, Err: err, Missing: missing.Spans.Pairs(), Detail: missing.Error() + ": send them, then finish again"}
	case errors.As(err, &digest):
		return &Error{Code: DigestMismatch, Err: err, Detail: digest.Error() + ": nothing was published; if the finish declared the digest, finish again with the right one, else cancel, or restart with the right file"}
	case errors.Is(err, errRedeclared):
		return &Error{Code: StillFinishing, Err: err, RetryAfter: 2 * time.Second, Detail: "the declared digest changed each time the file had been checked; nothing was published: choose one digest and finish again"}
	case merge.Again(err):
		return &Error{Code: StillFinishing, Err: err, RetryAfter: 2 * time.Second, Detail: "another gateway kept taking over this upload; nothing is lost: finish again"}
	case errors.Is(err, ErrRegistryUnavailable):
		return &Error{Code: RegistryUnavailable, Err: err, RetryAfter: 5 * time.Second, Detail: "the registry of uploads cannot be reached; nothing is lost: try again shortly"}
	case errors.Is(err, staging.ErrTakenByUser):
		return &Error{Code: DifferentFile, Err: err, RetryAfter: time.Second, Detail: "another request of yours is uploading to the same target: wait until it ends, or choose another name"}
	case errors.Is(err, staging.ErrTaken):
		return &Error{Code: OwnedByAnother, Err: err, RetryAfter: time.Minute, Detail: "another upload has just claimed the target: try again later, or choose another name"}
	case errors.Is(err, staging.ErrNoRoot), errors.Is(err, engine.ErrNone), errors.Is(err, record.ErrVersion):
		return &Error{Code: HostError, Err: err, Detail: err.Error()}
	case errors.As(err, &conn):
		return explainLink(conn)
	case errors.Is(err, context.DeadlineExceeded):
		return &Error{Code: HostTimeout, Err: err, RetryAfter: 2 * time.Second, Detail: "host " + host + " did not answer in time; what was acknowledged is kept: try again"}
	case staging.Refused(err), errors.Is(err, engine.ErrCopy), errors.Is(err, staging.ErrContent), errors.Is(err, fs.ErrNotExist), errors.Is(err, record.ErrNone):
		return &Error{Code: HostError, Err: err, RetryAfter: 2 * time.Second, Detail: "host " + host + " refused an operation: " + err.Error()}
	}
	return err
}

// explainTarget names what is wrong with a path or with what stands there.
func explainTarget(host string, err error) *Error {
	var (
		path    *staging.PathError
		dir     *staging.DirError
		kind    *staging.KindError
		exists  *staging.ExistsError
		changed *staging.ChangedError
		perm    *staging.PermissionError
		name    *staging.NameError
	)
	switch {
	case errors.As(err, &path) && path.Forbidden:
		return &Error{Code: PathForbidden, Detail: path.Error(), Err: err}
	case errors.As(err, &path):
		return &Error{Code: InvalidRequest, Detail: path.Error(), Err: err}
	case errors.As(err, &name):
		return &Error{Code: InvalidRequest, Detail: name.Error(), Err: err}
	case errors.As(err, &dir):
		return &Error{Code: NoSuchDirectory, Detail: dir.Error() + " on host " + host + ": create it, or set make_dirs", Err: err}
	case errors.As(err, &kind) && kind.Kind == "symbolic link":
		return &Error{Code: PathForbidden, Detail: kind.Error() + "; the gateway does not write through links: name the file it points to", Err: err}
	case errors.As(err, &kind):
		return &Error{Code: NotAFile, Detail: kind.Error(), Err: err}
	case errors.As(err, &exists):
		return &Error{Code: TargetExists, Detail: exists.Error() + ": send if_exists=replace to replace it", Existing: existing(&exists.File), Err: err}
	case errors.As(err, &changed):
		return &Error{Code: ChangedMeanwhile, Detail: changed.Error() + ": check it, then send its etag as if_match", Existing: existing(changed.File), Err: err}
	case errors.As(err, &perm):
		return &Error{Code: PermissionDenied, Detail: perm.Error() + ": fix its permissions on the host, or use another login user in hosts.yaml", Err: err}
	}
	return nil
}

func explainLink(err *sshpool.Error) *Error {
	e := &Error{Detail: err.PublicMessage(), Operator: err.Error(), Logged: err.Logged, Err: err, RetryAfter: err.RetryAfter}
	switch err.Kind {
	case sshpool.Refused:
		e.Code = HostRefused
	case sshpool.Timeout:
		e.Code = HostTimeout
	default:
		e.Code = HostUnreachable
		e.RetryAfter = max(e.RetryAfter, 2*time.Second)
	}
	return e
}

func existing(f *staging.File) *Existing {
	if f == nil {
		return nil
	}
	return &Existing{Size: f.Size, MTime: f.MTime, ETag: f.ETag()}
}
