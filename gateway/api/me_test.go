package api

import (
	"encoding/json"
	"testing"
	"time"

	"sftpgate/gateway/access"
)

func TestViewCaller(t *testing.T) {
	for name, c := range map[string]struct {
		caller access.Caller
		want   string
	}{
		"no ticket": {access.Caller{User: "alice"},
			`{"user":"alice","admin":false,"operations":["read","browse","upload","cancel"]}`},
		"administrator": {access.Caller{User: "root", Admin: true},
			`{"user":"root","admin":true,"operations":["read","browse","upload","cancel","takeover"]}`},
		"a supplier's link": {access.Caller{User: "acme", Expires: time.Unix(1795802400, 5), Scope: &access.Scope{
			Hosts: []string{"web-1"}, Paths: []string{"/srv/in"}, Operations: []access.Operation{access.OpUpload}, MaxSize: 5 << 30}},
			`{"user":"acme","admin":false,"expires_at":"2026-11-27T18:00:00Z","hosts":["web-1"],"paths":["/srv/in"],"operations":["upload"],"max_size":5368709120}`},
		"any host": {access.Caller{User: "bob", Scope: &access.Scope{Hosts: []string{access.AnyHost}, Operations: []access.Operation{access.OpRead}}},
			`{"user":"bob","admin":false,"operations":["read"]}`},
	} {
		got, err := json.Marshal(viewCaller(c.caller))
		if err != nil || string(got) != c.want {
			t.Errorf("%s: %s, %v; want %s", name, got, err, c.want)
		}
	}
}
