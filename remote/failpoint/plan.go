package failpoint

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// plan is where the process ends, and how.
type plan struct {
	point Point
	nth   int64
	stop  bool // and can go on
}

// parse reads name[:n][:kill|stop].
func parse(text string) (plan, error) {
	fields := strings.Split(text, ":")
	p := plan{point: Point(fields[0]), nth: 1}
	if !slices.Contains(All(), p.point) {
		return plan{}, fmt.Errorf("%q is no point: there are %q", fields[0], All())
	}
	for i, f := range fields[1:] {
		n, err := strconv.ParseInt(f, 10, 64)
		switch {
		case err == nil && n > 0 && i == 0:
			p.nth = n
		case f == "kill" && i == len(fields)-2:
		case f == "stop" && i == len(fields)-2:
			p.stop = true
		default:
			return plan{}, fmt.Errorf("%q is not name[:n][:kill|stop]", text)
		}
	}
	return p, nil
}
