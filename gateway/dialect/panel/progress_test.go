package panel_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"sftpgate/gateway/dialect/panel"
	"sftpgate/gateway/dialecttest"
	"sftpgate/remote/remotetest/await"
)

type progress struct{ Current, Total int64 }

// listen enters a room.
func listen(t *testing.T, s *dialecttest.Site, user, room string, header http.Header) (*websocket.Conn, int) {
	t.Helper()
	h := header.Clone()
	if h == nil {
		h = http.Header{}
	}
	if user != "" {
		h.Set("X-User", user)
	}
	conn, res, err := websocket.Dial(await.Context(t), strings.Replace(s.URL, "http", "ws", 1)+"/panel/progress/"+room, &websocket.DialOptions{HTTPHeader: h})
	if err != nil {
		return nil, res.StatusCode
	}
	t.Cleanup(func() { _ = conn.CloseNow() })
	return conn, res.StatusCode
}

// Everybody in the room hears how far the merge is, to its end; nobody in another one.
func TestProgress(t *testing.T) {
	s := dialecttest.Start(t, panel.Routes)
	u := s.Upload("/panel", "f", dialecttest.Noise(9_500, 1))
	one, _ := listen(t, s, "alice", "r", nil)
	two, _ := listen(t, s, "alice", "r", nil)
	bobs, _ := listen(t, s, "bob", "r", nil)
	other, _ := listen(t, s, "alice", "r2", nil)
	if err := one.Write(t.Context(), websocket.MessageText, []byte("hello")); err != nil { // which some pages say
		t.Fatal(err)
	}
	if a := (page{room: "r"}).send(t, u); a.Status != 200 {
		t.Fatalf("%d %s", a.Status, a.Text)
	}
	for _, conn := range []*websocket.Conn{one, two} {
		for p := (progress{}); p.Current < 9_500; {
			if err := wsjson.Read(await.Context(t), conn, &p); err != nil {
				t.Fatal(err)
			}
			if p.Total != 9_500 || p.Current > p.Total {
				t.Errorf("%+v", p)
			}
		}
	}
	s.Wants(t, "f", u.Content)
	for _, conn := range []*websocket.Conn{bobs, other} {
		heard := make(chan progress, 1)
		go func() {
			var p progress
			if wsjson.Read(t.Context(), conn, &p) == nil {
				heard <- p
			}
		}()
		select {
		case p := <-heard:
			t.Errorf("another room hears %+v", p)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// A page that is not logged in, but for the person that it names, hears its merge.
func TestProgressWithoutAUser(t *testing.T) {
	s := dialecttest.Start(t, panel.Routes)
	u := s.Upload("/panel", "f", dialecttest.Noise(2_500, 1))
	u.User = ""
	conn, _ := listen(t, s, "", "r", nil)
	if a := (page{room: "r", person: "alice"}).send(t, u); a.Status != 200 {
		t.Fatalf("%d %s", a.Status, a.Text)
	}
	for p := (progress{}); p.Current < 2_500; {
		if err := wsjson.Read(await.Context(t), conn, &p); err != nil {
			t.Fatal(err)
		}
	}
}

// A page of another site may not listen.
func TestProgressOfAnotherSite(t *testing.T) {
	s := dialecttest.Start(t, panel.Routes)
	if _, status := listen(t, s, "alice", "r", http.Header{"Origin": {"https://evil.example"}}); status != 403 {
		t.Errorf("it is answered with %d", status)
	}
	if conn, status := listen(t, s, "alice", "r", http.Header{"Origin": {s.URL}}); conn == nil {
		t.Errorf("its own page is answered with %d", status)
	}
}
