package hosts

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strconv"

	"github.com/goccy/go-yaml/ast"
)

// fields are the keys of a host, and what each does to it. A list given by a
// host replaces the one in defaults.
var fields = map[string]func(*Host, ast.Node) error{
	"label":            text(func(h *Host) *string { return &h.Label }),
	"address":          text(func(h *Host) *string { return &h.Address }),
	"port":             number(func(h *Host) *int { return &h.Port }, 1, 65535),
	"user":             text(func(h *Host) *string { return &h.User }),
	"key_file":         text(func(h *Host) *string { return &h.KeyFile }),
	"certificate_file": text(func(h *Host) *string { return &h.CertificateFile }),
	"passphrase":       secret(func(h *Host) *Secret { return &h.Passphrase }),
	"agent":            flag(func(h *Host) *bool { return &h.Agent }, true),
	"password":         secret(func(h *Host) *Secret { return &h.Password }),
	"known_hosts":      text(func(h *Host) *string { return &h.KnownHosts }),
	"host_key":         text(func(h *Host) *string { return &h.HostKey }),
	"roots":            list(func(h *Host) *[]string { return &h.Roots }),
	"tags":             list(func(h *Host) *[]string { return &h.Tags }),
	"jump":             text(func(h *Host) *string { return &h.Jump }),
	"connections":      number(func(h *Host) *int { return &h.Connections }, 1, MaxConnections),
	"engine":           text(func(h *Host) *string { return &h.Engine }),
	"read_back":        flag(func(h *Host) *bool { return &h.NoReadBack }, false),
	"bandwidth":        size(func(h *Host) *int64 { return &h.Bandwidth }),
	"max_bodies":       number(func(h *Host) *int { return &h.MaxBodies }, 0, MaxBodies),
	"owner":            text(func(h *Host) *string { return &h.Owner }),
	"group":            text(func(h *Host) *string { return &h.Group }),
	"mode":             mode,
}

func text(field func(*Host) *string) func(*Host, ast.Node) error {
	return func(h *Host, n ast.Node) error {
		s, err := scalar(n)
		if err == nil {
			*field(h) = s
		}
		return err
	}
}

func secret(field func(*Host) *Secret) func(*Host, ast.Node) error {
	return func(h *Host, n ast.Node) error {
		s, err := scalar(n)
		if err == nil {
			*field(h) = NewSecret(s)
		}
		return err
	}
}

func number(field func(*Host) *int, low, high int) func(*Host, ast.Node) error {
	return func(h *Host, n ast.Node) error {
		s, err := scalar(n)
		if err != nil {
			return err
		}
		i, err := strconv.Atoi(s)
		if err != nil || i < low || i > high {
			return fmt.Errorf("must be a whole number from %d to %d", low, high)
		}
		*field(h) = i
		return nil
	}
}

func size(field func(*Host) *int64) func(*Host, ast.Node) error {
	return func(h *Host, n ast.Node) error {
		s, err := scalar(n)
		if err == nil {
			*field(h), err = ParseSize(s)
		}
		return err
	}
}

// flag sets the field to means where true is written, and else to the opposite.
func flag(field func(*Host) *bool, means bool) func(*Host, ast.Node) error {
	return func(h *Host, n ast.Node) error {
		b, ok := n.(*ast.BoolNode)
		if !ok {
			return errors.New("must be true or false")
		}
		*field(h) = b.Value == means
		return nil
	}
}

func list(field func(*Host) *[]string) func(*Host, ast.Node) error {
	return func(h *Host, n ast.Node) error {
		seq, ok := n.(*ast.SequenceNode)
		if !ok {
			return errors.New("must be a list: [one, two], or one line with a dash for each")
		}
		items := make([]string, 0, len(seq.Values))
		for _, v := range seq.Values {
			s, err := scalar(v)
			if err != nil {
				return err
			}
			items = append(items, s)
		}
		*field(h) = items
		return nil
	}
}

var octal = regexp.MustCompile(`^(0o?)?[0-7]{3,4}$`)

// mode reads 644, 0644 and 0o644 all as octal: nobody means decimal here.
func mode(h *Host, n ast.Node) error {
	s, err := scalar(n)
	if err != nil {
		return err
	}
	if !octal.MatchString(s) {
		return errors.New("must be permission bits in octal, as for chmod: 0644")
	}
	m, err := strconv.ParseUint(s[max(0, len(s)-4):], 8, 32)
	if err != nil { // 0o644: the last four are "o644"
		m, err = strconv.ParseUint(s[len(s)-3:], 8, 32)
	}
	if err != nil || m > 0o777 {
		return errors.New("must be permission bits up to 0777: uploads never get set-user-id, set-group-id or sticky")
	}
	perm := fs.FileMode(m)
	h.Mode = &perm
	return nil
}

// scalar returns what was written, whatever YAML takes it for: a password of
// digits stays a string, and a host called "no" stays "no".
func scalar(n ast.Node) (string, error) {
	switch v := n.(type) {
	case nil, *ast.NullNode:
		return "", errors.New(`is empty: give a value, or remove the line ("" is the empty value)`)
	case *ast.StringNode:
		return v.Value, nil
	case *ast.LiteralNode:
		return v.Value.Value, nil
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, nil
	case *ast.AnchorNode, *ast.AliasNode:
		return "", errors.New("anchors are not supported: put what all hosts share under defaults:")
	}
	return "", errors.New("must be a single value, in quotes if it has special characters")
}
