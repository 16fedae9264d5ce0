package sshpool_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"sftpgate/remote/hosts"
)

// inProcess is an SSH server for what sshd cannot show without root and PAM:
// passwords, and which credentials were tried.
type inProcess struct {
	*door
	key ssh.Signer

	mu    sync.Mutex
	tried []string
}

func startInProcess(t *testing.T, set func(*ssh.ServerConfig, *inProcess)) *inProcess {
	t.Helper()
	s := &inProcess{key: newSigner(t)}
	config := &ssh.ServerConfig{AuthLogCallback: func(_ ssh.ConnMetadata, method string, _ error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.tried = append(s.tried, method)
	}}
	config.AddHostKey(s.key)
	set(config, s)
	s.door = newDoor(t, "", func(c net.Conn) { serveSFTP(c, config) })
	return s
}

func (s *inProcess) attempts() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.tried, " ")
}

func (s *inProcess) host(t *testing.T, id string) hosts.Host {
	return hosts.Host{ID: id, Address: "127.0.0.1", Port: s.port, User: "u",
		HostKey: string(ssh.MarshalAuthorizedKey(s.key.PublicKey())), Roots: []string{t.TempDir()}}
}

func serveSFTP(c net.Conn, config *ssh.ServerConfig) {
	defer c.Close()
	_, channels, requests, err := ssh.NewServerConn(c, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for n := range channels {
		ch, reqs, err := n.Accept()
		if err != nil {
			return
		}
		go func() {
			for r := range reqs {
				_ = r.Reply(r.Type == "subsystem", nil)
				if r.Type == "subsystem" {
					go func() {
						if server, err := sftp.NewServer(ch); err == nil {
							_ = server.Serve()
						}
						_ = ch.Close()
					}()
				}
			}
		}()
	}
}

func newSigner(t *testing.T) ssh.Signer {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// hunter2 accepts that password, offered in one of two ways.
func hunter2(interactive bool) func(*ssh.ServerConfig, *inProcess) {
	wrong := errors.New("wrong password")
	return func(c *ssh.ServerConfig, _ *inProcess) {
		if !interactive {
			c.PasswordCallback = func(_ ssh.ConnMetadata, p []byte) (*ssh.Permissions, error) {
				if string(p) != "hunter2" {
					return nil, wrong
				}
				return nil, nil
			}
			return
		}
		c.KeyboardInteractiveCallback = func(_ ssh.ConnMetadata, ask ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
			answers, err := ask("", "", []string{"Password: "}, []bool{false})
			if err != nil {
				return nil, err
			}
			if len(answers) != 1 || answers[0] != "hunter2" {
				return nil, wrong
			}
			_, err = ask("", "", nil, nil) // PAM sends an empty round at the end
			if err != nil && err != io.EOF {
				return nil, err
			}
			return nil, nil
		}
	}
}
