package hosts

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// units are what a number of bytes may be written with: the letters of SI for
// powers of 1000, those of IEC 80000-13 for powers of 1024.
var units = map[string]int64{
	"": 1, "B": 1,
	"kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
	"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40,
}

// ParseSize reads a number of bytes as people write it: 1048576, 1MiB, 50 MB.
// "Mb" is refused, since it may as well mean bits.
func ParseSize(s string) (int64, error) {
	end := strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(s)
	}
	letters := s[end:]
	if len(letters) > 1 {
		letters = strings.TrimPrefix(letters, " ")
	}
	unit, known := units[letters]
	n, err := strconv.ParseInt(s[:end], 10, 64)
	if err != nil || !known || n > math.MaxInt64/unit {
		return 0, fmt.Errorf("%s is not a size: write a whole number of bytes, or one with B, kB, MB, GB, TB, KiB, MiB, GiB or TiB, as in 50MiB", quote(s))
	}
	return n * unit, nil
}

// MinBandwidth is the least bytes a second that a bandwidth can be. Less is
// somebody who left the unit out; a chunk would take hours.
const MinBandwidth = 16 << 10

// CheckBandwidth says what is wrong with a number of bytes a second; 0 is no limit.
func CheckBandwidth(n int64) error {
	if n < 0 || n > 0 && n < MinBandwidth {
		return fmt.Errorf("%d bytes per second is too little: give at least 16KiB, or 0 for no limit (is the unit missing?)", n)
	}
	return nil
}
