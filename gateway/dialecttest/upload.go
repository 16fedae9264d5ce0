package dialecttest

import "math/rand/v2"

// Upload is alice's of a file in the root, in chunks of 1000 bytes, to a dialect that is
// mounted at base.
func (s *Site) Upload(base, name string, content []byte) Upload {
	return Upload{Endpoint: s.URL + base + "/web-1" + s.Root, User: "alice", Name: name, Content: content, Chunk: 1000, Try: "1"}
}

// Noise is n bytes in which no chunk is like another. Another seed makes others.
func Noise(n int, seed byte) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(b)
	return b
}
