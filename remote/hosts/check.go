package hosts

import (
	"fmt"
	"net"
	"net/netip"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

var (
	goodID      = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)
	goodAddress = regexp.MustCompile(`^([A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_.])?)$`)
)

// complete returns h with the defaults of what is not given, ~ expanded, roots
// cleaned, and nothing shared with the caller's slices.
func (h Host) complete() Host {
	if h.Label == "" {
		h.Label = h.ID
	}
	if h.Port == 0 {
		h.Port = DefaultPort
	}
	if h.Connections == 0 {
		h.Connections = DefaultConnections
	}
	if h.Engine == "" {
		h.Engine = EngineAuto
	}
	h.KeyFile, h.CertificateFile, h.KnownHosts = expandHome(h.KeyFile), expandHome(h.CertificateFile), expandHome(h.KnownHosts)
	if strings.HasPrefix(h.Address, "[") && strings.HasSuffix(h.Address, "]") {
		h.Address = h.Address[1 : len(h.Address)-1]
	}
	h.Roots, h.Tags = slices.Clone(h.Roots), slices.Clone(h.Tags)
	for i, root := range h.Roots {
		if path.IsAbs(root) {
			h.Roots[i] = path.Clean(root)
		}
	}
	return h
}

// check reports every fault of a completed host. A host that others jump
// through may do without roots.
func (h Host) check(jumped bool, problem func(field, message string)) {
	if !goodID.MatchString(h.ID) {
		problem("", "an id has up to 63 letters, digits, dots, underscores and dashes, and starts with a letter or digit")
	}
	switch {
	case h.Address == "":
		problem("address", "address is missing: give the machine's name or IP address")
	case !isAddress(h.Address):
		problem("address", quote(h.Address)+" is not a name or IP address: user and port have their own keys"+withPort(h.Address))
	}
	if h.Port < 1 || h.Port > 65535 {
		problem("port", "port must be from 1 to 65535")
	}
	if h.Connections < 1 || h.Connections > MaxConnections {
		problem("connections", fmt.Sprintf("connections must be from 1 to %d", MaxConnections))
	}
	if err := CheckBandwidth(h.Bandwidth); err != nil {
		problem("bandwidth", err.Error())
	}
	if h.MaxBodies < 0 || h.MaxBodies > MaxBodies {
		problem("max_bodies", fmt.Sprintf("max_bodies must be from 0 (no limit) to %d", MaxBodies))
	}
	if h.User == "" {
		problem("user", "user is missing: give the account to log in as")
	}
	for _, f := range [][2]string{{"label", h.Label}, {"user", h.User}, {"owner", h.Owner}, {"group", h.Group},
		{"key_file", h.KeyFile}, {"certificate_file", h.CertificateFile}, {"known_hosts", h.KnownHosts}, {"tags", strings.Join(h.Tags, "")}} {
		if !printable(f[1]) {
			problem(f[0], f[0]+" holds control characters or invalid UTF-8")
		}
	}
	if h.KeyFile == "" && !h.Agent && h.Password.IsZero() {
		problem("", "no login method: give key_file, agent: true or password")
	}
	if !h.Passphrase.IsZero() && h.KeyFile == "" {
		problem("passphrase", "passphrase is given without key_file: remove it or add key_file")
	}
	if h.CertificateFile != "" && h.KeyFile == "" && !h.Agent {
		problem("certificate_file", "certificate_file is given without its key: add key_file or agent: true, or remove it")
	}
	h.checkHostKey(problem)
	h.checkRoots(jumped, problem)
	if engines := []string{EngineAuto, EngineShell, EngineCopyData, EngineStream}; !slices.Contains(engines, h.Engine) {
		problem("engine", quote(h.Engine)+" is not an engine: use one of "+strings.Join(engines, ", "))
	}
	if h.Mode != nil && *h.Mode&^0o777 != 0 {
		problem("mode", "mode must be permission bits up to 0777")
	}
}

// isAddress takes names and IP addresses. What has a colon is an IPv6 address or
// nothing: a name or an IPv4 address with a port would be looked up as a name.
func isAddress(s string) bool {
	if strings.Contains(s, ":") {
		_, err := netip.ParseAddr(s)
		return err == nil
	}
	return goodAddress.MatchString(s) && len(s) <= 255
}

// withPort shows how an address that has its port in it is to be written.
func withPort(s string) string {
	host, port, err := net.SplitHostPort(s)
	if _, notANumber := strconv.ParseUint(port, 10, 16); err != nil || notANumber != nil || !isAddress(host) {
		return ""
	}
	return fmt.Sprintf(", write address: %s and port: %s", host, port)
}

func (h Host) checkHostKey(problem func(field, message string)) {
	if h.HostKey == "" {
		if h.KnownHosts == "" {
			problem("", fmt.Sprintf("no host key is configured: give known_hosts, or host_key as shown by ssh-keyscan -p %d %s", h.Port, h.Address))
		}
		return
	}
	if _, _, err := h.Pinned(); err != nil {
		problem("host_key", err.Error())
	}
}

func (h Host) checkRoots(jumped bool, problem func(field, message string)) {
	if len(h.Roots) == 0 && !jumped {
		problem("roots", "roots is missing: list the directories that accept uploads, as in roots: [/srv/files]")
	}
	for i, root := range h.Roots {
		switch {
		case !path.IsAbs(root):
			problem("roots", "the root "+quote(root)+" is not absolute: it must start with / (~ is not expanded)")
		case !printable(root):
			problem("roots", "the root "+quote(root)+" holds control characters or invalid UTF-8")
		case strings.Contains(root+"/", ".sftpgate/"):
			problem("roots", "the root "+quote(root)+" is in a staging directory: names that end in .sftpgate are reserved")
		case slices.Contains(h.Roots[:i], root):
			problem("roots", "the root "+quote(root)+" is given twice: remove one")
		}
	}
}

// printable keeps line breaks out of logs and NUL out of paths.
func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

func quote(s string) string { return fmt.Sprintf("%q", s) }
