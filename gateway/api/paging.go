package api

import (
	"encoding/base64"
	"fmt"
	"math"
	"slices"
	"strconv"

	"sftpgate/gateway"
)

// How many entries of a list one answer has: as many as are asked for up to mostListed,
// and usuallyListed where nothing is asked for.
const (
	usuallyListed = 500
	mostListed    = 1000
)

// paging is which part of a list is asked for.
type paging struct {
	limit int
	after string // the mark of the last entry that the caller has; "" for none
}

// paging reads limit and cursor.
func (q query) paging() (paging, error) {
	p := paging{limit: usuallyListed}
	if text, there := q["limit"]; there {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > mostListed {
			return p, invalid("limit must be a whole number from 1 to %d, not %.40q", mostListed, text)
		}
		p.limit = n
	}
	mark, err := base64.RawURLEncoding.DecodeString(q["cursor"])
	if err != nil {
		return p, invalid(`invalid cursor: send "next" from the previous answer, or omit it to start over`)
	}
	p.after = string(mark)
	return p, nil
}

// part is the entries of list from one on, and the cursor for those behind them; ""
// where there are none. A mark names an entry.
func part[T any](p paging, list []T, from int, mark func(T) string) (entries []T, next string) {
	to := min(from+p.limit, len(list))
	if to < len(list) {
		next = base64.RawURLEncoding.EncodeToString([]byte(mark(list[to-1])))
	}
	return list[from:to], next
}

// ofUploads is the part of list that is asked for. Uploads that came, went or ended
// since the part before do not move the others: marks are in the order of the list.
func (p paging) ofUploads(list []gateway.Upload) ([]gateway.Upload, string) {
	from, _ := slices.BinarySearchFunc(list, p.after, func(u gateway.Upload, after string) int {
		if markOfUpload(u) <= after {
			return -1
		}
		return 1
	})
	return part(p, list, from, markOfUpload)
}

// markOfUpload sorts as gateway.Service's lists do: unfinished first, then newest first.
func markOfUpload(u gateway.Upload) string {
	ended := 0
	if u.State.Ended() {
		ended = 1
	}
	return fmt.Sprintf("%d %020d %s", ended, math.MaxInt64-u.CreatedAt.UnixNano(), u.ID)
}

// ofHosts is the part of list that is asked for; they stand in the order of hosts.yaml.
func (p paging) ofHosts(list []gateway.HostView) ([]gateway.HostView, string, error) {
	from := 0
	if p.after != "" {
		from = 1 + slices.IndexFunc(list, func(h gateway.HostView) bool { return h.ID == p.after })
		if from == 0 {
			return nil, "", invalid("the hosts have changed since the previous page: omit cursor to start over")
		}
	}
	hosts, next := part(p, list, from, func(h gateway.HostView) string { return h.ID })
	return hosts, next, nil
}
