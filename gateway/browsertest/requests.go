package browsertest

import (
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"sync/atomic"

	wait "sftpgate/remote/remotetest/await"
)

// Request is one that the gateway has answered, by its log.
type Request struct {
	Msg, Method, Path, Code string
	Status                  int
	In                      int64 // bytes of the body that were read
}

// Requests are those that the process which runs now has answered, below a path.
func (g *Gate) Requests(below string) (all []Request) {
	for line := range strings.Lines(g.log.String()) {
		var r Request
		if json.Unmarshal([]byte(line), &r) == nil && r.Msg == "request" && strings.HasPrefix(r.Path, below) {
			all = append(all, r)
		}
	}
	return all
}

// Away waits until so many requests have not found the gateway, which is dead. To each
// the answer is what a proxy's is, and for pages of another web site that is none.
func (g *Gate) Away(requests int64) {
	g.t.Helper()
	l, err := net.Listen("tcp", g.Address)
	if err != nil {
		g.t.Fatal(err)
	}
	var asked atomic.Int64
	nobody := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(http.StatusBadGateway)
	})}
	go func() { _ = nobody.Serve(l) }()
	wait.Until(g.t, "requests to the gateway that is away", func() bool { return asked.Load() >= requests })
	_ = nobody.Close()
}
