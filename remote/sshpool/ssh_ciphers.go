package sshpool

import (
	"runtime"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sys/cpu"
)

// aesInHardware: Go's AES-GCM runs on instructions of this processor, several times
// as fast as ChaCha20-Poly1305; without them it is the other way round. The same
// question decides on the order of crypto/tls.
var aesInHardware = cpu.X86.HasAES && cpu.X86.HasPCLMULQDQ && cpu.X86.HasSSE41 && cpu.X86.HasSSSE3 ||
	cpu.ARM64.HasAES && cpu.ARM64.HasPMULL || cpu.S390X.HasAES && cpu.S390X.HasAESCTR && cpu.S390X.HasGHASH ||
	runtime.GOARCH == "ppc64le" || runtime.GOARCH == "ppc64"

// ciphers are those that are offered, fastest first: the host takes the first that
// it knows (RFC 4253, 7.1).
func ciphers(aesInHardware bool) []string {
	gcm := []string{ssh.CipherAES128GCM, ssh.CipherAES256GCM}
	ctr := []string{ssh.CipherAES128CTR, ssh.CipherAES192CTR, ssh.CipherAES256CTR}
	if !aesInHardware {
		return append(append([]string{ssh.CipherChaCha20Poly1305}, gcm...), ctr...)
	}
	return append(append(gcm, ssh.CipherChaCha20Poly1305), ctr...)
}
