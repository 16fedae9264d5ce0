package gateway_test

import (
	"crypto/sha256"

	"sftpgate/gateway"
)

func digestOf(p []byte) gateway.Digest { return sha256.Sum256(p) }
