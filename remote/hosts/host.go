package hosts

import (
	"io/fs"
	"net"
	"strconv"
)

// The engines a host may be told to use for merging; Auto takes the best one
// that works there.
const (
	EngineAuto     = "auto"
	EngineShell    = "shell"
	EngineCopyData = "copy-data"
	EngineStream   = "stream"
)

// The values of what is not given.
const (
	DefaultPort        = 22
	DefaultConnections = 8
	MaxConnections     = 64
)

// MaxBodies is the most that Host.MaxBodies can be.
const MaxBodies = 100_000

// Host is one machine, checked and with every default filled in.
type Host struct {
	// ID is the host's name in requests: letters, digits, '.', '_' and '-'.
	ID string
	// Label is what people see; the id when none is given.
	Label string
	// Address is a name or an IP address (IPv6 without brackets), without port.
	Address string
	Port    int
	User    string

	// KeyFile is a private key; a leading ~ has been expanded.
	KeyFile    string
	Passphrase Secret
	// CertificateFile is the key's certificate where it is not KEY-cert.pub beside
	// KeyFile; the key is that of KeyFile or one of the agent's. A leading ~ has
	// been expanded.
	CertificateFile string
	// Agent asks the SSH agent at SSH_AUTH_SOCK for keys.
	Agent    bool
	Password Secret

	// KnownHosts is a file in OpenSSH's known_hosts form; a leading ~ has been expanded.
	KnownHosts string
	// HostKey is the one host key believed, in authorized_keys form
	// ("ssh-ed25519 AAAA…"), or the authority whose host certificates are
	// ("cert-authority ssh-ed25519 AAAA…"). It goes before KnownHosts, of which
	// only the @revoked lines count then.
	HostKey string

	// Roots are the directories that files may be sent below: absolute, cleaned,
	// at least one (but see Set.Next).
	Roots []string
	Tags  []string
	// Jump is the id of the host that this one is reached through; "" is none.
	Jump string
	// Connections is the most SSH connections held to the host at once, 1 to 64.
	Connections int
	// Engine is one of the Engine constants.
	Engine string

	// NoReadBack spares the way back: where the host has no tool to take a declared
	// digest with, it is then not checked on the host. Otherwise the file is read
	// back through the gateway for it.
	NoReadBack bool

	// Bandwidth is how many bytes a second one gateway takes in for this host, all
	// uploads together; 0 is no limit. It counts what clients send: chunks that the
	// engine "stream" reads back and writes again on their way into the file come
	// on top, twice.
	Bandwidth int64
	// MaxBodies is how many request bodies one gateway takes in for this host at
	// once; 0 is no limit.
	MaxBodies int

	// Owner, Group and Mode are given to published files that ask for nothing
	// else; empty and nil leave it to the directory's habits.
	Owner string
	Group string
	Mode  *fs.FileMode
}

// Addr is the address with the port, as net.Dial takes it.
func (h Host) Addr() string {
	return net.JoinHostPort(h.Address, strconv.Itoa(h.Port))
}
