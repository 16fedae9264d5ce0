package demohost

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/subtle"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"

	"sftpgate/remote/hosts"
)

const user = "demo"

// Host is a running demo host.
type Host struct {
	root     string
	secrets  string // a directory with the client's key, only ours
	hostKey  string
	listener net.Listener
	server   *ssh.ServerConfig

	ctx    context.Context // ends what runs for clients
	cancel context.CancelFunc
	mu     sync.Mutex
	conns  map[net.Conn]bool
	closed bool
	wg     sync.WaitGroup
}

// Start serves dir, which must exist, until Close.
func Start(dir string) (*Host, error) {
	root, err := filepath.Abs(dir)
	if err == nil {
		root, err = filepath.EvalSymlinks(root)
	}
	if err != nil {
		return nil, fmt.Errorf("demo host: the directory to serve: %w", err)
	}
	h := &Host{root: root, conns: map[net.Conn]bool{}}
	if err := h.makeKeys(); err != nil {
		return nil, fmt.Errorf("demo host: %w", err)
	}
	h.listener, err = net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		_ = os.RemoveAll(h.secrets)
		return nil, fmt.Errorf("demo host: %w", err)
	}
	h.ctx, h.cancel = context.WithCancel(context.Background())
	h.wg.Add(1)
	go h.accept()
	return h, nil
}

// Config is the host as hosts.yaml would name it, with the id "demo".
func (h *Host) Config() hosts.Host {
	return hosts.Host{
		ID: "demo", Label: "Demo host", Address: "127.0.0.1", Port: h.listener.Addr().(*net.TCPAddr).Port,
		User: user, KeyFile: filepath.Join(h.secrets, "client"), HostKey: h.hostKey, Roots: []string{h.root},
	}
}

// Close ends every connection and command and removes the credentials; the
// served directory stays.
func (h *Host) Close() error {
	h.mu.Lock()
	h.closed = true
	err := h.listener.Close()
	for c := range h.conns {
		_ = c.Close()
	}
	h.mu.Unlock()
	h.cancel()
	h.wg.Wait()
	return errors.Join(ignoreClosed(err), os.RemoveAll(h.secrets))
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// makeKeys makes the host key and the one client key that it accepts.
func (h *Host) makeKeys() error {
	_, hostPrivate, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	hostSigner, err := ssh.NewSignerFromKey(hostPrivate)
	if err != nil {
		return err
	}
	clientPublic, clientPrivate, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	accepted, err := ssh.NewPublicKey(clientPublic)
	if err != nil {
		return err
	}
	block, err := ssh.MarshalPrivateKey(clientPrivate, "sftpgate demo")
	if err != nil {
		return err
	}
	h.hostKey = strings.TrimSpace(string(ssh.MarshalAuthorizedKey(hostSigner.PublicKey())))
	h.server = &ssh.ServerConfig{
		PublicKeyCallback: func(c ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			if c.User() == user && subtle.ConstantTimeCompare(key.Marshal(), accepted.Marshal()) == 1 {
				return nil, nil
			}
			return nil, errors.New("not the demo's key")
		},
	}
	h.server.AddHostKey(hostSigner)
	if h.secrets, err = os.MkdirTemp("", "sftpgate-demo-"); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(h.secrets, "client"), pem.EncodeToMemory(block), 0o600); err != nil {
		_ = os.RemoveAll(h.secrets)
		return err
	}
	return nil
}

func (h *Host) accept() {
	defer h.wg.Done()
	for {
		c, err := h.listener.Accept()
		if err != nil {
			return
		}
		h.mu.Lock()
		if h.closed {
			h.mu.Unlock()
			_ = c.Close()
			return
		}
		h.conns[c] = true
		h.wg.Add(1)
		h.mu.Unlock()
		go func() {
			defer h.wg.Done()
			h.serve(c)
			h.mu.Lock()
			delete(h.conns, c)
			h.mu.Unlock()
		}()
	}
}
