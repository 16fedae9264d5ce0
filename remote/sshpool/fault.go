package sshpool

// Fault says more closely than a Kind what went wrong.
type Fault int

// The faults. None leaves it at the kind.
const (
	None Fault = iota
	// BadSetup: the gateway's own key, certificate, password or known_hosts cannot be used.
	BadSetup
	// BadHostKey: the host did not prove to be the machine that is known.
	BadHostKey
	// NoCipher: gateway and host know no algorithm that both accept.
	NoCipher
	// BadLogin: the host did not let the account in.
	BadLogin
	// NoSFTP: the account was let in and is not offered SFTP.
	NoSFTP
	// JumpFailed: a host in front of it failed.
	JumpFailed
)

// PublicMessage says the failure to those who use the gateway and do not run it: whom it
// concerns and who can help, but no address, account or file.
func (e *Error) PublicMessage() string {
	const (
		operator = "; tell the gateway's operator"
		lasting  = ", and tell the gateway's operator if it lasts"
	)
	host := "host " + e.Host
	switch e.Fault {
	case BadSetup:
		return "the gateway is not configured to log in to " + host + operator
	case BadHostKey:
		return host + " did not show the host key that the gateway knows" + operator
	case NoCipher:
		return host + " and the gateway have no cipher in common" + operator
	case BadLogin:
		return host + " refused the gateway's login" + operator
	case NoSFTP:
		return host + " does not offer SFTP to the gateway" + operator
	case JumpFailed:
		if e.Kind == Refused {
			return "a jump host of " + host + " refused the gateway" + operator
		}
		return host + " cannot be reached because a jump host failed; try again later" + lasting
	}
	switch e.Kind {
	case Refused:
		return host + " refused the gateway" + operator
	case Timeout:
		return host + " stopped answering; try again" + lasting
	}
	return host + " cannot be reached; try again later" + lasting
}
