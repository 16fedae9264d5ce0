package record

// Identity is what makes a file "the same file" when an upload is opened
// again: the declared digest, else the client's fingerprint, else the size.
// Two files of equal size and no digest are taken for the same one.
type Identity string

// Identify makes the identity of a file from what was declared of it.
func Identify(digest *Sum, fingerprint string, size int64) Identity {
	switch {
	case digest != nil:
		return Identity("sha-256:" + digest.String())
	case fingerprint != "":
		return Identity("fingerprint:" + fingerprint)
	case size >= 0:
		return Identity("size:" + itoa(size))
	default:
		return "unknown"
	}
}
