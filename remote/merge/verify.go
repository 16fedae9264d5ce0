package merge

import (
	"context"
	"crypto/sha256"
	"fmt"
	"path"
	"time"

	"sftpgate/remote/record"
	"sftpgate/remote/staging"
)

// What a file was checked against, best first.
const (
	// BySHA256: the whole file was hashed on the host and equals the declared digest.
	BySHA256 = "sha-256"
	// BySpans: every chunk's digest was taken on arrival and every copy's length checked.
	BySpans = "spans"
)

// DigestError says that a file does not have the digest that was declared for it.
type DigestError struct{ Declared, Actual record.Sum }

func (e *DigestError) Error() string {
	return fmt.Sprintf("the file's SHA-256 is %s, but %s was declared", e.Actual, e.Declared)
}

// The host's own disk may be slow to read, but not without end: this much time, and more
// for more bytes.
const (
	hashGrace = 2 * time.Minute
	hashSlow  = 5 << 20 // bytes a second
)

// hashTimeout is how long hashing so many bytes on the host may take.
func hashTimeout(length int64) time.Duration {
	return hashGrace + time.Duration(length/hashSlow)*time.Second
}

// Verify compares a file on the host with the declared digest. It is hashed by
// the host's own tool where there is one, else it is read back, unless hosts.yaml
// spares the host that: then a declared digest may go unchecked, and the result
// is BySpans.
func Verify(ctx context.Context, g *staging.Generation, name string, size int64, declared *record.Sum) (string, error) {
	if declared == nil {
		return BySpans, nil
	}
	tool := g.Can().HashTool
	if tool == "" && g.Host().Config().NoReadBack {
		return BySpans, differs(name, size, *declared)
	}
	sum, err := hashOnHost(ctx, g, tool, name, size)
	if err != nil {
		return "", err
	}
	if sum != *declared {
		return "", &DigestError{Declared: *declared, Actual: sum}
	}
	return BySHA256, nil
}

// differs compares the digest that the one chunk of a file was committed with.
func differs(name string, size int64, declared record.Sum) error {
	c, err := record.ParseChunkName(path.Base(name))
	if err == nil && c.Off == 0 && c.Len == size && c.Sum != declared {
		return &DigestError{Declared: declared, Actual: c.Sum}
	}
	return nil
}

func hashOnHost(ctx context.Context, g *staging.Generation, tool, name string, size int64) (record.Sum, error) {
	if tool != "" {
		if sum, err := hashByTool(ctx, g, tool, name, size); err == nil || ctx.Err() != nil {
			return sum, err
		} // whatever it was: reading back costs time and nothing else
	}
	h := sha256.New()
	err := g.ReadBack(ctx, name, 0, size, h)
	return record.Sum(h.Sum(nil)), err
}

func hashByTool(ctx context.Context, g *staging.Generation, tool, name string, size int64) (record.Sum, error) {
	var sum record.Sum
	ctx, cancel := context.WithTimeout(ctx, hashTimeout(size))
	defer cancel()
	sh, err := g.Host().Pool().Shell(ctx)
	if err != nil {
		return sum, fmt.Errorf("hash %s on the host: %w", name, err)
	}
	defer sh.Close() // how it ends says nothing about what it answered
	text, err := sh.Call(ctx, "hash", tool, name)
	if err == nil {
		sum, err = record.ParseSum(text)
	}
	if err != nil {
		return sum, fmt.Errorf("hash %s on the host: %w", name, err)
	}
	return sum, nil
}
