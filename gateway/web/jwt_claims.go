package web

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/golang-jwt/jwt/v5"

	"sftpgate/gateway"
	"sftpgate/gateway/access"
)

// claims are what a ticket says, its signature verified. They are read
// strictly: a claim that narrows what a ticket is good for must not be lost
// because it is written in another way.
type claims jwt.MapClaims

// claimError says which claim is wrong and why.
type claimError struct{ name, why string }

func (e *claimError) Error() string { return fmt.Sprintf("its claim %q %s", e.name, e.why) }

// caller is who and what the ticket is for.
func (m claims) caller(admins map[string]bool) (access.Caller, error) {
	c := access.Caller{Scope: &access.Scope{}}
	var err error
	read := func(into func() error) {
		if err == nil {
			err = into()
		}
	}
	read(m.checkNames)
	read(m.checkRegistered)
	read(func() (err error) { c.User, err = m.subject(); return err })
	read(func() (err error) { c.Scope.Hosts, err = m.hosts(); return err })
	read(func() (err error) { c.Scope.Paths, err = m.paths(); return err })
	read(func() (err error) { c.Scope.Operations, err = m.operations(admins[c.User]); return err })
	read(func() (err error) { c.Scope.MaxSize, err = m.maxSize(); return err })
	return c, err
}

// alike are the claims of ours by what somebody might write instead.
var alike = map[string]string{"host": "hosts", "path": "paths", "op": "ops", "operation": "ops", "maxsize": "max_size"}

// checkNames refuses claims that look like ours: passed over, "path" would mean
// a ticket for every path. All others are the panel's own business.
func (m claims) checkNames() error {
	for name := range m {
		bare := strings.TrimSuffix(strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(name)), "s")
		if ours, like := alike[bare]; like && name != ours {
			return &claimError{clip(name), fmt.Sprintf("is unknown; use %q", ours)}
		}
	}
	return nil
}

// checkRegistered looks at the types of the claims that RFC 7519 §4.1 defines;
// what they say is judged by bounds.
func (m claims) checkRegistered() error {
	for _, name := range []string{"exp", "nbf", "iat"} {
		v, there := m[name]
		if !there && name == "exp" {
			return &claimError{name, "is missing; a ticket must expire"}
		}
		n, ok := v.(json.Number)
		if there && !ok {
			return &claimError{name, "must be a number of seconds since 1970, not " + kindName(v)}
		}
		const year10000 = 253402300800
		if f, err := n.Float64(); there && (err != nil || f < 0 || f >= year10000) {
			return &claimError{name, "is not a plausible time in seconds since 1970"}
		}
	}
	if v, there := m["iss"]; there {
		if _, ok := v.(string); !ok {
			return &claimError{"iss", "must be a string, not " + kindName(v)}
		}
	}
	if s, ok := m["aud"].(string); ok && s != "" {
		return nil
	}
	_, _, err := m.list("aud")
	return err
}

func (m claims) subject() (string, error) {
	v, there := m["sub"]
	user, ok := v.(string)
	switch {
	case !there:
		return "", &claimError{"sub", "is missing; it names the user"}
	case !ok:
		return "", &claimError{"sub", "must be a string, not " + kindName(v)}
	case user == "", strings.TrimSpace(user) != user:
		return "", &claimError{"sub", "must be the user's name, without spaces around it"}
	}
	if err := checkUser(user); err != nil {
		return "", &claimError{"sub", err.Error()}
	}
	return user, nil
}

func (m claims) hosts() ([]string, error) {
	if m["hosts"] == access.AnyHost {
		return []string{access.AnyHost}, nil
	}
	hosts, there, err := m.list("hosts")
	if err == nil && !there {
		err = &claimError{"hosts", `is missing; list host ids, or "*" for all`}
	}
	return hosts, err
}

func (m claims) paths() ([]string, error) {
	paths, _, err := m.list("paths")
	if err != nil {
		return nil, err
	}
	for _, p := range paths {
		if err := gateway.CheckPath(p); err != nil {
			return nil, &claimError{"paths", "has an invalid path: " + err.Error()}
		}
	}
	return paths, nil
}

// operations are all but taking over where the ticket names none; that is only
// for who is an administrator here anyway.
func (m claims) operations(admin bool) ([]access.Operation, error) {
	names, there, err := m.list("ops")
	if err != nil {
		return nil, err
	}
	var ops []access.Operation
	for _, op := range access.AllOperations {
		if !there && (admin || op != access.OpTakeOver) {
			ops = append(ops, op)
		}
	}
	for _, name := range names {
		if !slices.Contains(access.AllOperations, access.Operation(name)) {
			return nil, &claimError{"ops", fmt.Sprintf("has %q; the operations are %v", clip(name), access.AllOperations)}
		}
		ops = append(ops, access.Operation(name))
	}
	return ops, nil
}

func (m claims) maxSize() (int64, error) {
	v, there := m["max_size"]
	if !there {
		return 0, nil
	}
	n, ok := v.(json.Number)
	size, err := strconv.ParseInt(n.String(), 10, 64)
	switch {
	case !ok:
		return 0, &claimError{"max_size", "must be a number of bytes, not " + kindName(v)}
	case err != nil || size <= 0:
		return 0, &claimError{"max_size", fmt.Sprintf("must be a whole number of bytes from 1 to %d", int64(math.MaxInt64))}
	}
	return size, nil
}

// list reads a list of strings that are not empty. An empty list is refused
// where no list means everything: one of the two is not what was meant.
func (m claims) list(name string) (texts []string, there bool, err error) {
	v, there := m[name]
	if !there {
		return nil, false, nil
	}
	items, ok := v.([]any)
	if !ok {
		return nil, true, &claimError{name, "must be a list of strings, not " + kindName(v)}
	}
	for _, item := range items {
		text, ok := item.(string)
		if !ok || text == "" {
			return nil, true, &claimError{name, "must be a list of strings, and has in it " + kindName(item)}
		}
		texts = append(texts, text)
	}
	if len(texts) == 0 {
		return nil, true, &claimError{name, "is an empty list"}
	}
	return texts, true, nil
}

// kindName says for a person what a JSON value is.
func kindName(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		if v == "" {
			return "an empty string"
		}
		return "a string"
	case json.Number:
		return "a number"
	case bool:
		return strconv.FormatBool(v)
	case []any:
		return "a list"
	}
	return "an object"
}

func clip(s string) string {
	if len(s) > 40 {
		return strings.ToValidUTF8(s[:40], "") + "…"
	}
	return s
}
