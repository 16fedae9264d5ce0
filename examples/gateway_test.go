package examples_test

import (
	"cmp"
	"testing"

	"sftpgate/gateway/browsertest"
	"sftpgate/remote/hosts"
)

// gateway is one behind an uploader's page.
type gateway struct {
	*browsertest.Gate
	t       *testing.T
	front   string // the URL where pages find it; default its own
	person  string // whose uploads are looked at; default those of nobody in particular
	tickets bool   // it believes nobody who has none
}

// serve starts a gateway for these hosts.
func serve(t *testing.T, flags []string, all ...hosts.Host) *gateway {
	t.Helper()
	return &gateway{Gate: browsertest.Serve(t, flags, all...), t: t}
}

// forPagesOf lets pages of a web site call.
func forPagesOf(origin string) []string { return []string{"--allow-origin", origin} }

// belowGate is how it stands behind the nginx of docs/reverse-proxy.md.
var belowGate = []string{"--allow-origin", "https://panel.example", "--base-path", "/gate", "--trusted-proxy", "127.0.0.1"}

func (g *gateway) url() string { return cmp.Or(g.front, g.URL()) }
