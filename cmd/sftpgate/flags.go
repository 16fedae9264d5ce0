package main

import (
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"
)

// lengthsOfTime lets flags take days as well, which Go's own parser does not know.
func lengthsOfTime() kong.Option {
	return kong.TypeMapper(reflect.TypeFor[time.Duration](), kong.MapperFunc(func(ctx *kong.DecodeContext, target reflect.Value) error {
		var text string
		if err := ctx.Scan.PopValueInto("time", &text); err != nil {
			return err
		}
		d, err := parseTime(text)
		if err == nil {
			target.SetInt(int64(d))
		}
		return err
	}))
}

var leadingDays = regexp.MustCompile(`^([0-9]{1,5})d`)

// parseTime reads 90s, 12h, 7d or 1d12h.
func parseTime(text string) (time.Duration, error) {
	rest, days := text, time.Duration(0)
	if m := leadingDays.FindStringSubmatch(text); m != nil {
		n, _ := strconv.Atoi(m[1])
		rest, days = text[len(m[0]):], time.Duration(n)*24*time.Hour
		if rest == "" {
			return days, nil
		}
	}
	d, err := time.ParseDuration(rest)
	if err != nil || days > 0 && d < 0 {
		return 0, fmt.Errorf("%q is not a duration: write a number with s, m, h or d, as in 90s, 12h or 7d", text)
	}
	return days + d, nil
}

// inPlainWords puts what the parser of the command line says into words for those who do
// not know how it works.
func inPlainWords(err error) string {
	text := err.Error()
	flag, _, found := strings.Cut(text, ":")
	switch {
	case strings.Contains(text, "<EOL>") && found, strings.Contains(text, "missing value") && found:
		return flag + " needs a value"
	case strings.Contains(text, "expected a valid 64 bit int"):
		_, got, _ := strings.Cut(text, "but got ")
		return flag + " takes a whole number, not " + got
	case strings.HasPrefix(text, "expected one of "):
		return "give a command: " + strings.TrimPrefix(text, "expected one of ")
	}
	return text
}
