package sshpool

import (
	"bytes"
	"crypto/ed25519"
	"io"
	"net"
	"slices"
	"testing"

	"golang.org/x/crypto/ssh"
)

// The order decides which cipher is used, and whichever comes first here is the
// faster one here.
func TestCiphersByProcessor(t *testing.T) {
	with, without := ciphers(true), ciphers(false)
	if with[0] != ssh.CipherAES128GCM || without[0] != ssh.CipherChaCha20Poly1305 {
		t.Errorf("first with AES instructions: %s, without: %s", with[0], without[0])
	}
	if !slices.Equal(slices.Sorted(slices.Values(with)), slices.Sorted(slices.Values(without))) {
		t.Errorf("%v and %v are not the same ciphers", with, without)
	}
}

func BenchmarkCipher(b *testing.B) {
	for _, name := range ciphers(aesInHardware)[:4] {
		b.Run(name, func(b *testing.B) {
			ch := echoless(b, name)
			packet := bytes.Repeat([]byte("sftpgate"), 32<<10/8)
			b.SetBytes(int64(len(packet)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := ch.Write(packet); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// echoless is a channel to a server in this process that reads and says nothing.
func echoless(b *testing.B, cipher string) ssh.Channel {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = l.Close() })
	config := &ssh.ServerConfig{NoClientAuth: true}
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		b.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		b.Fatal(err)
	}
	config.AddHostKey(signer)
	go func() {
		far, err := l.Accept()
		if err != nil {
			return
		}
		_, channels, requests, err := ssh.NewServerConn(far, config)
		if err != nil {
			return
		}
		go ssh.DiscardRequests(requests)
		for c := range channels {
			ch, requests, err := c.Accept()
			if err != nil {
				return
			}
			go ssh.DiscardRequests(requests)
			go func() { _, _ = io.Copy(io.Discard, ch) }()
		}
	}()
	client, err := ssh.Dial("tcp", l.Addr().String(), &ssh.ClientConfig{
		Config: ssh.Config{Ciphers: []string{cipher}}, HostKeyCallback: ssh.InsecureIgnoreHostKey()}) // #nosec G106 -- it is us
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = client.Close() })
	ch, in, err := client.OpenChannel("session", nil)
	if err != nil {
		b.Fatal(err)
	}
	go ssh.DiscardRequests(in)
	return ch
}
