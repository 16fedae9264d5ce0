package api

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"sftpgate/gateway"
	"sftpgate/gateway/web"
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
				return nil, invalid("unknown parameter %q; this call has none", name)
			}
			return nil, invalid("unknown parameter %q; this call has %s", name, strings.Join(known, ", "))
		}
		if len(v) > 1 {
			return nil, invalid("the parameter %q occurs %d times; send it once", name, len(v))
		}
		q[name] = v[0]
	}
	return q, nil
}

func (q query) text(name string) string { return q[name] }

// flag reads 1, true, 0 or false; a name alone ("?make_dirs") means true.
func (q query) flag(name string) (bool, error) {
	v, there := q[name]
	if !there {
		return false, nil
	}
	return web.ParseFlag(name, v)
}

// parseTime reads an instant in RFC 3339 that a host can hold; zero for "".
func parseTime(name, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, invalid("%s must be a time such as 2026-01-31T12:00:00Z, not %q", name, text)
	}
	return t, gateway.CheckTime(name, t)
}
