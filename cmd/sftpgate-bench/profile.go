package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

// profile begins to take a CPU profile of the gateway, into a file named after
// the run (of several rounds the last stays), and returns what ends it. Without --profiles both do nothing.
//
// The profile is as long as the turn: the gateway is asked for one of an hour,
// and our half of the connection is closed when the turn is over. net/http takes
// that for the client's leaving and ends the profile, which still arrives.
func (s *site) profile(g *gate, name string) (end func() error, err error) {
	if s.profiles == "" || g.profile == "" {
		return func() error { return nil }, nil
	}
	c, err := net.Dial("tcp", g.profile)
	if err != nil {
		return nil, err
	}
	if _, err := io.WriteString(c, "GET /debug/pprof/profile?seconds=3600 HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		return nil, err
	}
	return func() error {
		defer c.Close()
		if err := c.(*net.TCPConn).CloseWrite(); err != nil {
			return err
		}
		answer, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			return fmt.Errorf("the profile of %s: %w", name, err)
		}
		defer answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			return fmt.Errorf("the profile of %s: %s", name, answer.Status)
		}
		f, err := os.Create(filepath.Join(s.profiles, strings.NewReplacer("/", "-", " ", "-").Replace(name)+".pprof"))
		if err != nil {
			return err
		}
		defer f.Close()
		if _, err := io.Copy(f, answer.Body); err != nil {
			return err
		}
		return f.Close()
	}, nil
}
