package web_test

import (
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"testing"

	"sftpgate/gateway/web"
)

// BenchmarkRequestBody is what it takes to read a body off its connection,
// HTTP/1 over loopback, for each packet to a host. The client sends one body
// without end, so that nothing is counted but the reading.
func BenchmarkRequestBody(b *testing.B) {
	const packet = 261_120
	read := make(chan error)
	f, err := web.New(web.Options{Auth: web.NoAuth(nil), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	srv := web.NewServer(f.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		p := make([]byte, packet)
		b.ReportAllocs()
		b.SetBytes(packet)
		var err error
		for b.Loop() {
			if _, err = io.ReadFull(r.Body, p); err != nil {
				break
			}
		}
		read <- err
	})), slog.New(slog.DiscardHandler))
	go func() { _ = srv.Serve(l) }()
	defer srv.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	go func() {
		fmt.Fprintf(c, "PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", int64(math.MaxInt64))
		for p := make([]byte, packet); ; {
			if _, err := c.Write(p); err != nil {
				return
			}
		}
	}()
	if err := <-read; err != nil {
		b.Fatal(err)
	}
}
