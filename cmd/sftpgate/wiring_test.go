package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sftpgate/remote/remotetest"
)

// writeCertificate makes a certificate for 127.0.0.1 and returns who trusts it.
func writeCertificate(t *testing.T, certFile, keyFile string, serial int64) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "test"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})
	for name, b := range map[string][]byte{certFile: text, keyFile: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})} {
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	trust := x509.NewCertPool()
	trust.AppendCertsFromPEM(text)
	return trust
}

// Over TLS clients speak HTTP/2, where deadlines and bodies work differently.
func TestUploadOverHTTPS(t *testing.T) {
	t.Parallel()
	sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	cert, key := filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	trust := writeCertificate(t, cert, key, 1)
	_, base := serving(t, "--hosts", yamlOf(t, sshd.Host("web-1")), "--state", t.TempDir(), "--tls-cert", cert, "--tls-key", key)
	client := &http.Client{Transport: &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: trust}}}
	defer client.CloseIdleConnections()
	data := make([]byte, 3<<20)
	_, _ = rand.Read(data)
	r, err := http.NewRequest("PUT", strings.Replace(base, "http:", "https:", 1)+"/v1/hosts/web-1/files"+sshd.Root+"/x", bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer, _ := io.ReadAll(res.Body)
	res.Body.Close()
	if res.StatusCode != 201 || res.ProtoMajor != 2 {
		t.Errorf("%s %s %s", res.Proto, res.Status, answer)
	}
	if got, err := os.ReadFile(filepath.Join(sshd.Root, "x")); err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

func TestRenewedCertificate(t *testing.T) {
	certFile, keyFile := filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	writeCertificate(t, certFile, keyFile, 1)
	c, err := loadCertificate(certFile, keyFile, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	serial := func() int64 {
		c.mu.Lock()
		c.looked = time.Time{} // it is time to look again
		c.mu.Unlock()
		got, err := c.get(nil)
		if err != nil {
			t.Fatal(err)
		}
		return got.Leaf.SerialNumber.Int64()
	}
	if s := serial(); s != 1 {
		t.Errorf("serial %d", s)
	}
	old, _ := os.ReadFile(keyFile)
	writeCertificate(t, certFile, keyFile, 2)
	renewed, _ := os.ReadFile(keyFile)
	later := time.Now().Add(time.Minute)
	for _, step := range []struct {
		key  []byte
		want int64
	}{{old, 1}, {renewed, 2}} { // half of a renewal is not taken
		if err := os.WriteFile(keyFile, step.key, 0o600); err != nil {
			t.Fatal(err)
		}
		later = later.Add(time.Minute)
		if err := os.Chtimes(keyFile, later, later); err != nil {
			t.Fatal(err)
		}
		if s := serial(); s != step.want {
			t.Errorf("serial %d, want %d", s, step.want)
		}
	}
}

// A gateway that trusts everybody because it is local is not reached through a
// web site whose name was made to mean this machine.
func TestNamesOfALocalGateway(t *testing.T) {
	hosts := hostsFile(t, aHost)
	_, open := serving(t, "--hosts", hosts, "--state", t.TempDir(), "--allow-host", "panel.internal")
	_, behind := serving(t, "--hosts", hosts, "--state", t.TempDir(), "--auth", "header", "--trusted-proxy", "127.0.0.1")
	for _, c := range []struct {
		base, name string
		served     bool
	}{{open, "", true}, {open, "localhost:1", true}, {open, "panel.internal", true}, {open, "evil.example", false}, {behind, "upload.example", true}} {
		r, err := http.NewRequest("GET", c.base+"/v1/hosts", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = c.name
		r.Header.Set("X-User", "alice")
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if (res.StatusCode == 200) != c.served {
			t.Errorf("Host %q: %s", c.name, res.Status)
		}
	}
}
