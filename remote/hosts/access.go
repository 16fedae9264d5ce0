package hosts

// Access is all of a host's configuration that its connections depend on: where
// one of these differs, what is connected is not what is configured. Two Access
// can be compared with ==.
type Access struct {
	ID, Address         string
	Port                int
	User                string
	KeyFile             string
	Passphrase          Secret
	CertificateFile     string
	Agent               bool
	Password            Secret
	KnownHosts, HostKey string
	Jump                string
}

// Access returns how the host itself is reached; the hosts on the way to it have
// their own.
func (h Host) Access() Access {
	return Access{ID: h.ID, Address: h.Address, Port: h.Port, User: h.User,
		KeyFile: h.KeyFile, Passphrase: h.Passphrase, CertificateFile: h.CertificateFile, Agent: h.Agent, Password: h.Password,
		KnownHosts: h.KnownHosts, HostKey: h.HostKey, Jump: h.Jump}
}

// Way lists the hosts that h is reached through, the nearest to h first. It is
// empty for a host that is reached directly.
func (s *Set) Way(h Host) []Host {
	var way []Host
	for next, ok := s.Next(h); ok; next, ok = s.Next(next) {
		way = append(way, next)
	}
	return way
}
