package gateway_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"sftpgate/gateway"
	"sftpgate/gateway/access"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/remotetest/await"
	"sftpgate/remote/sshpool"
)

// A host tells its engine, and why it is that one, before anything was sent to it.
func TestEngineOfAHost(t *testing.T) {
	t.Parallel()
	full := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	bare := remotetest.StartSSHD(t, remotetest.SSHDOptions{ForceCommand: "internal-sftp"})
	shell, sftpOnly, asked, never := full.Host("shell"), bare.Host("sftp-only"), full.Host("asked"), bare.Host("never")
	asked.Engine, never.Engine = "stream", "shell"
	none := full.Host("no-root")
	none.Roots = []string{"/no/such/root"}
	s := gatewayOn(t, embedded(t), sshpool.Options{}, shell, sftpOnly, asked, never, none)
	for id, want := range map[string][2]string{
		"shell":     {"shell", "Not copy-data: It is slower."},
		"sftp-only": {"copy-data", "Not shell: No shell: "},
		"asked":     {"stream", "Not shell: hosts.yaml asks for stream."},
		"never":     {"", "no merge engine works on this host"},
		"no-root":   {"", "/no/such/root"},
	} {
		h, err := s.Host(t.Context(), alice, id)
		if want[0] != "" { // on a busy machine the engines may need longer than one look waits
			await.Until(t, "the engine of "+id, func() bool {
				h, err = s.Host(t.Context(), alice, id)
				return err != nil || h.Engine != ""
			})
		}
		if err != nil || h.Engine != want[0] || !strings.Contains(h.EngineReason, want[1]) || h.State != "up" {
			t.Errorf("%s: %q, %q, %v", id, h.Engine, h.EngineReason, err)
		}
		if id == "sftp-only" && !strings.Contains(h.EngineReason, "It passed its self-test in "+bare.Root) {
			t.Errorf("the reason is %q", h.EngineReason)
		}
	}
	listed, err := s.Hosts(t.Context(), alice)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range listed {
		if (h.Engine != "") != (h.EngineReason != "") || h.ID == "sftp-only" && h.Engine != "copy-data" {
			t.Errorf("listed is %q, %q", h.Engine, h.EngineReason)
		}
	}
	for _, root := range []string{full.Root, bare.Root} {
		if left, err := os.ReadDir(root); err != nil || len(left) > 0 {
			t.Errorf("left are %v, %v", left, err)
		}
	}
	down := full.Host("down")
	full.Stop()
	s = gatewayOn(t, embedded(t), sshpool.Options{}, down)
	if h, err := s.Host(t.Context(), access.Caller{User: "alice"}, "down"); err != nil || h.Engine != "" || h.Reason == "" {
		t.Errorf("a host that is down: %+v, %v", h, err)
	}
}

// A host that is up and has no place for files says so, and why.
func TestHostWithRootsThatDoNotServe(t *testing.T) {
	t.Parallel()
	sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	closed := filepath.Join(sshd.Root, "closed")
	if err := os.Mkdir(closed, 0o500); err != nil {
		t.Fatal(err)
	}
	good, missing, second := sshd.Host("good"), sshd.Host("missing"), sshd.Host("second")
	missing.Roots, second.Roots = []string{sshd.Root + "/none"}, []string{sshd.Root, sshd.Root + "/none"}
	s := gatewayOn(t, embedded(t), sshpool.Options{}, good, missing, second)
	for id, want := range map[string]string{"good": "", "missing": "/none", "second": "/none"} {
		h, err := s.Host(t.Context(), alice, id)
		if err != nil || h.State != "up" || (h.Reason == "") != (want == "") || !strings.Contains(h.Reason, want) {
			t.Errorf("%s: %+v, %v", id, h, err)
		}
	}
	wantReasons(t, s, alice, map[string]string{"good": "", "missing": "/none", "second": "/none"})
	elsewhere := access.Caller{User: "alice", Scope: &access.Scope{Hosts: []string{access.AnyHost}, Paths: []string{"/elsewhere"}, Operations: []access.Operation{access.OpRead}}}
	wantReasons(t, s, elsewhere, map[string]string{"second": ""})
	if err := os.Mkdir(sshd.Root+"/none", 0o700); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"missing", "second"} {
		if h, err := s.Host(t.Context(), alice, id); err != nil || h.Reason != "" {
			t.Errorf("%s, mended: %+v, %v", id, h, err)
		}
	}
	wantReasons(t, s, alice, map[string]string{"good": "", "missing": "", "second": ""})
	if os.Geteuid() == 0 {
		return // nothing is closed to root
	}
	shut := sshd.Host("shut")
	shut.Roots = []string{sshd.Root, closed}
	s = gatewayOn(t, embedded(t), sshpool.Options{}, shut)
	if h, err := s.Host(t.Context(), alice, "shut"); err != nil || !strings.Contains(h.Reason, closed) {
		t.Errorf("%+v, %v", h, err)
	}
}

// wantReasons: the list, for which no host is asked, has what was found out before.
func wantReasons(t *testing.T, s *gateway.Service, c access.Caller, want map[string]string) {
	t.Helper()
	listed, err := s.Hosts(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range listed {
		if in, asked := want[h.ID]; asked && ((h.Reason == "") != (in == "") || !strings.Contains(h.Reason, in)) {
			t.Errorf("listed is %s with %q, want %q", h.ID, h.Reason, in)
		}
	}
}

// An engine that had proved itself fails: that is the host's trouble, and what
// was sent is kept.
func TestEngineThatFails(t *testing.T) {
	t.Parallel()
	d := remotetest.NewDisk()
	if err := d.MkdirAll(memDir); err != nil {
		t.Fatal(err)
	}
	var broken atomic.Bool
	dial := d.Dial(remotetest.ServerOptions{Gate: func(op remotetest.Op) error {
		if broken.Load() && op.Kind == "copy-data" {
			return syscall.EIO
		}
		return nil
	}})
	host := memoryHost("web-1")
	host.Engine = "auto"
	r := &rig{gatewayOn(t, embedded(t), sshpool.Options{Dial: dial}, host), t, nil, memDir}
	if h, err := r.Host(t.Context(), alice, "web-1"); err != nil || h.Engine != "copy-data" {
		t.Fatalf("%+v, %v", h, err)
	}
	broken.Store(true)
	content := noise(2*mib + 77)
	up := r.open(alice, "f", int64(len(content))).Upload
	r.send(alice, up.ID, content, mib, mib+77)
	r.send(alice, up.ID, content, 0, mib)
	if _, err := r.tryFinish(alice, up.ID, gateway.FinishRequest{Size: -1}); err != nil {
		wantCode(t, err, gateway.HostError)
	}
	if done := r.finish(alice, up.ID); done.Engine != "stream" { // it proved itself no more
		t.Errorf("done by %s", done.Engine)
	}
	r.exactOn(d, content)
}
