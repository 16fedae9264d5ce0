package api_test

import (
	"fmt"
	"net/url"
	"slices"
	"testing"
	"time"

	"sftpgate/gateway"
)

// walkOf reads a list to its end and returns the ids in it, and how many each answer had.
func walkOf(t *testing.T, base, path, name, query string, between func(seen int)) (ids []string, parts []int) {
	t.Helper()
	for cursor := ""; ; {
		a := send(t, base, "GET", path+"?"+query+"&cursor="+url.QueryEscape(cursor), "")
		if a.status != 200 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		list := a.json[name].([]any)
		for _, entry := range list {
			ids = append(ids, entry.(map[string]any)["id"].(string))
		}
		parts = append(parts, len(list))
		if a.json["next"] == nil {
			return ids, parts
		}
		cursor = a.json["next"].(string)
		between(len(ids))
	}
}

func noChange(int) {}

// manyUploads are in the order of lists: unfinished first, then newest first.
func manyUploads(n int) (list []gateway.Upload) {
	for i := range n {
		u := gateway.Upload{ID: fmt.Sprintf("u%04d", i), State: gateway.Receiving, CreatedAt: time.Unix(int64(n-i/2), 0)}
		if i >= n/2 {
			u.State = gateway.Done
		}
		list = append(list, u)
	}
	return list
}

func TestListsComeInParts(t *testing.T) {
	s := &recorder{list: manyUploads(1203)}
	for i := range 1203 {
		s.hosts = append(s.hosts, gateway.HostView{ID: fmt.Sprint("web-", i)})
	}
	base := serve(t, s)
	for _, c := range []struct {
		path, name, query string
		parts             []int
	}{
		{"/v1/uploads", "uploads", "", []int{500, 500, 203}},
		{"/v1/uploads", "uploads", "limit=1000", []int{1000, 203}},
		{"/v1/uploads", "uploads", "all=1&limit=401", []int{401, 401, 401}},
		{"/v1/hosts", "hosts", "", []int{500, 500, 203}},
		{"/v1/hosts", "hosts", "limit=401", []int{401, 401, 401}},
	} {
		ids, parts := walkOf(t, base, c.path, c.name, c.query, noChange)
		if !slices.Equal(parts, c.parts) {
			t.Errorf("%s?%s: parts of %v", c.path, c.query, parts)
		}
		for i, id := range ids {
			if c.name == "uploads" && id != s.list[i].ID || c.name == "hosts" && id != s.hosts[i].ID {
				t.Fatalf("%s?%s: entry %d is %s", c.path, c.query, i, id)
			}
		}
	}
}

// What comes and goes while a list is read in parts hides nothing that stays.
func TestUploadsMoveBetweenParts(t *testing.T) {
	s := &recorder{list: manyUploads(40)}
	stays := slices.Clone(s.list[10:])
	ids, _ := walkOf(t, serve(t, s), "/v1/uploads", "uploads", "limit=10", func(seen int) {
		if seen == 10 {
			fresh := gateway.Upload{ID: "fresh", State: gateway.Receiving, CreatedAt: time.Unix(1000, 0)}
			s.list = append([]gateway.Upload{fresh}, stays...) // and the ten that were seen are gone
		}
	})
	if len(ids) != 40 {
		t.Errorf("%d entries", len(ids))
	}
	for _, u := range stays {
		if !slices.Contains(ids, u.ID) {
			t.Errorf("%s was left out", u.ID)
		}
	}
}

func TestPagingIsReadStrictly(t *testing.T) {
	s := &recorder{hosts: []gateway.HostView{{ID: "a"}, {ID: "b"}}}
	base := serve(t, s)
	for query, in := range map[string]string{"limit=0": "1 to 1000", "limit=1001": "1 to 1000", "limit=x": "1 to 1000", "limit=": "1 to 1000", "cursor=%20": "invalid cursor", "limit=1&limit=2": "2 times"} {
		for _, path := range []string{"/v1/hosts", "/v1/uploads"} {
			send(t, base, "GET", path+"?"+query, "").wants(t, 400, gateway.InvalidRequest, in)
		}
	}
	next := send(t, base, "GET", "/v1/hosts?limit=1", "").json["next"].(string)
	s.hosts = s.hosts[1:]
	send(t, base, "GET", "/v1/hosts?cursor="+next, "").wants(t, 400, gateway.InvalidRequest, "start over")
}
