package web

import (
	"strconv"
	"strings"

	"sftpgate/gateway"
)

// ParseFlag reads the value of a parameter that is there: 1, true, 0 or false; a
// name alone ("?make_dirs") means true.
func ParseFlag(name, value string) (bool, error) {
	switch value {
	case "0", "false":
		return false, nil
	case "", "1", "true":
		return true, nil
	}
	return false, invalid("%s must be 1 or 0, not %q", name, value)
}

// ParseMode reads permission bits in octal; nil for "".
func ParseMode(text string) (*uint32, error) {
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

// ParseIfExists decides what becomes of a file that stands at the target. Who names
// the one file that may be replaced wants it replaced.
func ParseIfExists(ifExists, ifMatch string) (gateway.IfExists, error) {
	switch gateway.IfExists(ifExists) {
	case gateway.FailIfExists:
		if ifMatch != "" {
			return "", invalid("if_match names a file to replace, but if_exists=fail forbids that; send one of them")
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

func invalid(format string, args ...any) error {
	return gateway.Refuse(gateway.InvalidRequest, format, args...)
}
