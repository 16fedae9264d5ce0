package tus

import (
	"bytes"
	"crypto/md5"  // #nosec G501 -- the client's choice against damage on the way, not against anybody
	"crypto/sha1" // #nosec G505 -- as well, and the one that the protocol demands
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"strings"

	"sftpgate/gateway"
	"sftpgate/gateway/web"
)

// algorithms are the checksums that a body may have.
const algorithms = "sha1,sha256,md5"

// checksum is a running sum with what it is to be.
type checksum struct {
	hash.Hash
	want []byte
}

// parseChecksum reads "algorithm base64"; nil for "".
func parseChecksum(text string) (*checksum, error) {
	if text == "" {
		return nil, nil
	}
	name, value, _ := strings.Cut(text, " ")
	makes := map[string]func() hash.Hash{"sha1": sha1.New, "sha256": sha256.New, "md5": md5.New}[name]
	if makes == nil {
		return nil, invalid("unsupported checksum algorithm %q: use one of %s", web.Inert(name), algorithms)
	}
	want, err := base64.StdEncoding.DecodeString(value)
	sum := &checksum{makes(), want}
	if err != nil || len(want) != sum.Size() {
		return nil, invalid("Upload-Checksum must be an algorithm, a space and %d bytes in Base64", sum.Size())
	}
	return sum, nil
}

func (s *checksum) check() error {
	if bytes.Equal(s.Sum(nil), s.want) {
		return nil
	}
	return gateway.Refuse(gateway.DigestMismatch, "the body does not match its Upload-Checksum; nothing is kept: send it again")
}
