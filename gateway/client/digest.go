package client

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"time"
)

// DigestOf is the SHA-256 of bytes, as Content-Digest has it (RFC 9530).
func DigestOf(content []byte) string {
	sum := sha256.Sum256(content)
	return formatDigest(sum[:])
}

func formatDigest(sum []byte) string {
	return "sha-256=:" + base64.StdEncoding.EncodeToString(sum) + ":"
}

// ReadDigest reads r to its end for its digest, and stops when ctx ends.
func ReadDigest(ctx context.Context, r io.Reader) (string, error) {
	return digestOf(ctx, r, -1)
}

// digestOf is ReadDigest for a reader of n bytes, which fails if it has fewer; -1 is any.
func digestOf(ctx context.Context, r io.Reader, n int64) (string, error) {
	h := sha256.New()
	read, err := io.CopyBuffer(h, untilEnd{ctx, r}, make([]byte, 1<<20))
	if err == nil && read < n {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return "", err
	}
	return formatDigest(h.Sum(nil)), nil
}

type untilEnd struct {
	ctx context.Context
	r   io.Reader
}

func (u untilEnd) Read(b []byte) (int, error) {
	if u.ctx.Err() != nil {
		return 0, context.Cause(u.ctx)
	}
	return u.r.Read(b)
}

const edge = 64 << 10

// Fingerprint is what makes a file the same one when it is sent again: its name, size
// and time, and the bytes at both its ends. It costs two small reads.
func Fingerprint(name string, size int64, mtime time.Time, content io.ReaderAt) (string, error) {
	h := sha256.New()
	fmt.Fprintf(h, "%q %d %d\n", name, size, mtime.UnixNano())
	for _, s := range []Span{{0, min(edge, size)}, {max(edge, size-edge), size}} {
		if s[0] < s[1] {
			if _, err := io.Copy(h, io.NewSectionReader(content, s[0], s[1]-s[0])); err != nil {
				return "", err
			}
		}
	}
	return fmt.Sprintf("sftpgate-go-1:%d:%s", size, base64.StdEncoding.EncodeToString(h.Sum(nil))), nil
}
