package socket_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"sftpgate/gateway/web/socket"
)

// FuzzProtocols: a ticket is taken from the subprotocols of a WebSocket, as it stands
// there, and only where there is no Authorization.
func FuzzProtocols(f *testing.F) {
	f.Add("websocket", "sftpgate, bearer.a.b-c", "", "")
	f.Add("WebSocket", "bearer.one,bearer.two", "bearer.three", "")
	f.Add("websocket", "bearer.", "x bearer.y", "Bearer other")
	f.Add("h2c", "bearer.x", "", "")
	f.Add("websocket", ",, bearer.x y\t", "Bearer.x", "")
	f.Fuzz(func(t *testing.T, upgrade, one, two, authorization string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header["Upgrade"], r.Header["Sec-Websocket-Protocol"] = []string{upgrade}, []string{one, two}
		if authorization != "" {
			r.Header["Authorization"] = []string{authorization}
		}
		socket.WithTicket(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			got := r.Header["Authorization"]
			switch {
			case authorization != "":
				if len(got) != 1 || got[0] != authorization {
					t.Fatalf("%q has become %q", authorization, got)
				}
				return
			case !strings.EqualFold(upgrade, "websocket"):
				if len(got) > 0 {
					t.Fatalf("%q is no WebSocket, and brings %q", upgrade, got)
				}
				return
			}
			if n := strings.Count(one+","+two, "bearer."); len(got) > n {
				t.Fatalf("%q and %q bring %q", one, two, got)
			}
			for _, value := range got {
				ticket, ok := strings.CutPrefix(value, "Bearer ")
				if !ok || ticket != strings.TrimRight(ticket, " \t") || strings.Contains(ticket, ",") || !strings.Contains(one+","+two, "bearer."+ticket) {
					t.Fatalf("%q and %q bring %q", one, two, value)
				}
			}
			for name := range strings.SplitSeq(one+","+two, ",") {
				if strings.HasPrefix(strings.TrimSpace(name), "bearer.") && len(got) == 0 {
					t.Fatalf("%q brings nothing", name)
				}
			}
		})).ServeHTTP(httptest.NewRecorder(), r)
	})
}
