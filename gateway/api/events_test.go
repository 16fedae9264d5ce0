package api_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"sftpgate/gateway"
)

func TestEvents(t *testing.T) {
	s := &recorder{list: []gateway.Upload{
		{ID: "u1", Size: 10, State: gateway.Receiving, Received: [][2]int64{{0, 5}}, ReceivedBytes: 5},
		{ID: "u1", Size: 10, State: gateway.Verifying, ReceivedBytes: 10},
		{ID: "u1", Size: 10, State: gateway.Failed, Error: gateway.Refuse(gateway.NoSpace, "full")},
		{ID: "u1", Size: 10, State: gateway.Cancelled},
		{ID: "u1", Size: 10, State: gateway.Done, Verified: "spans"},
	}}
	res, err := http.Get(serve(t, s) + "/v1/uploads/u1/events")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	events := strings.Split(strings.TrimSuffix(string(b), "\n\n"), "\n\n")[1:]
	for i, want := range []string{"progress", "progress", "failed", "failed", "done"} {
		name, data, _ := strings.Cut(events[i], "\n")
		if name != "event: "+want || !strings.HasPrefix(data, `data: {"id":"u1",`) || strings.Contains(data, `"received":`) ||
			!strings.Contains(data, `"state":"`+string(s.list[i].State)+`"`) {
			t.Errorf("want %s of %+v:\n%s", want, s.list[i], events[i])
		}
	}
	s.asked(t, "Subscribe", anonymous, "u1")

	s.list, s.err = nil, gateway.Refuse(gateway.UnknownUpload, "none")
	send(t, serve(t, s), "GET", "/v1/uploads/u1/events", "").wants(t, 404, gateway.UnknownUpload, "none")
	send(t, serve(t, s), "GET", "/v1/uploads/u1/events?since=1", "").wants(t, 400, gateway.InvalidRequest, "since")
}
