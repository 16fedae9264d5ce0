package api

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"sftpgate/gateway"
)

func invalid(format string, args ...any) error {
	return gateway.Refuse(gateway.InvalidRequest, format, args...)
}

// query holds parameters that are known and there at most once.
type query map[string]string

// readQuery reads the query strictly. A parameter with a typing error must not
// be passed over: without its "mode" a secret is published for all to read.
func readQuery(r *http.Request, known ...string) (query, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, invalid("the query cannot be read: %v", err)
	}
	q := make(query, len(values))
	for name, v := range values {
		if !slices.Contains(known, name) {
			if len(known) == 0 {
				return nil, invalid("unknown parameter %q; this call takes none", name)
			}
			return nil, invalid("unknown parameter %q; this call takes %s", name, strings.Join(known, ", "))
		}
		if len(v) > 1 {
			return nil, invalid("the parameter %q is there %d times; it may be there once", name, len(v))
		}
		q[name] = v[0]
	}
	return q, nil
}

func (q query) text(name string) string { return q[name] }

// flag reads 1, true, 0 or false; a name alone ("?make_dirs") means true.
func (q query) flag(name string) (bool, error) {
	switch v, there := q[name]; {
	case !there || v == "0" || v == "false":
		return false, nil
	case v == "" || v == "1" || v == "true":
		return true, nil
	default:
		return false, invalid("%s must be 1 or 0, not %q", name, v)
	}
}

// parseMode reads permission bits in octal; nil for "".
func parseMode(text string) (*uint32, error) {
	if text == "" {
		return nil, nil
	}
	n, err := strconv.ParseUint(text, 8, 32)
	if err != nil || n > 0o777 || strings.HasPrefix(text, "+") {
		return nil, invalid("mode must be permission bits in octal, like 0644, not %q", text)
	}
	mode := uint32(n)
	return &mode, nil
}

// parseTime reads an instant in RFC 3339; zero for "".
func parseTime(name, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, invalid("%s must be an instant like 2026-01-31T12:00:00Z, not %q", name, text)
	}
	return t, nil
}

// overwrite decides what becomes of a file that stands at the target. Who names
// the one file that may be replaced wants it replaced.
func overwrite(ifExists, ifMatch string) (gateway.IfExists, error) {
	switch gateway.IfExists(ifExists) {
	case gateway.FailIfExists:
		if ifMatch != "" {
			return "", invalid("if_match names a file to be replaced, and if_exists=fail forbids it; send one of them")
		}
		return gateway.FailIfExists, nil
	case gateway.ReplaceIfExists:
		return gateway.ReplaceIfExists, nil
	case "":
		if ifMatch != "" {
			return gateway.ReplaceIfExists, nil
		}
		return gateway.FailIfExists, nil
	}
	return "", invalid("if_exists must be fail or replace, not %q", ifExists)
}
