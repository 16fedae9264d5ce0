package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"sftpgate/gateway/registry/registrytest"
	"sftpgate/remote/hosts"
	"sftpgate/remote/remotetest"
	wait "sftpgate/remote/remotetest/await"
)

// Hosts of every kind, and several gateways, as the binary serves them.

// behind is a host that is only reached through two others and only lets
// certificates in.
func behind(t *testing.T, account remotetest.SSHDOptions) (*remotetest.SSHD, []hosts.Host) {
	t.Helper()
	bastion := remotetest.SSHDOptions{ForwardOnly: true}
	outer, inner := remotetest.StartSSHD(t, bastion).Host("outer"), remotetest.StartSSHD(t, bastion).Host("inner")
	account.UserCA = remotetest.NewAuthority(t)
	sshd := remotetest.StartSSHD(t, account)
	h := sshd.Host("web-1")
	h.KeyFile = remotetest.NewKey(t)
	account.UserCA.Sign(h.KeyFile, "-n", h.User, "-V", "-1h:+1h")
	h.Jump, inner.Jump = inner.ID, outer.ID
	inner.Roots, outer.Roots = nil, nil
	return sshd, []hosts.Host{h, inner, outer}
}

// By every engine; a gigabyte by each for -prove.
func TestBehindTwoHosts(t *testing.T) {
	t.Parallel()
	const all = 128
	chunks := 3
	if *prove {
		chunks = all
	}
	t.Logf("explored %d of %d MiB by each engine", chunks*chunkSize/mib, all*chunkSize/mib)
	want := digestOfChunks(chunks)
	for engine, account := range accounts {
		t.Run(engine, func(t *testing.T) {
			sshd, all := behind(t, account)
			_, base := servingBy(t, plain, nil, "--hosts", yamlOf(t, all...), "--state", t.TempDir())
			u := &uploader{t: t, base: base, target: filepath.Join(sshd.Root, "disk.img"), chunks: chunks, acked: map[int]bool{}}
			if err := u.send(u.missing(u.open())); err != nil {
				t.Fatal(err)
			}
			u.merge()
			answer := u.done()
			if answer["engine"] != engine || answer["verified"] != "spans" {
				t.Errorf("done as %v", answer)
			}
			if got := digestOfFile(t, u.target); !bytes.Equal(got, want) {
				t.Errorf("digest %x, want %x", got, want)
			}
			status, host := request("GET", u.base+"/v1/hosts/web-1", nil)
			if reason, _ := host["engine_reason"].(string); status != 200 || host["engine"] != engine || reason == "" {
				t.Errorf("the host is shown as %v", host)
			}
		})
	}
}

// appears waits for a file to appear without asking any gateway.
func appears(t *testing.T, p *process, name string) {
	t.Helper()
	p.poll(name+" to appear", func() bool { return exists(name) })
}

// finishWithDigest asks for the end of an upload whose gateway may not live to
// answer.
func (u *uploader) finishWithDigest(want []byte) {
	u.t.Helper()
	body := `{"digest":"sha-256=:` + base64.StdEncoding.EncodeToString(want) + `:"}`
	if status, answer := request("POST", u.base+"/v1/uploads/"+u.id+"/merge", strings.NewReader(body)); status != 202 && status != 0 {
		u.t.Errorf("merge: %d %v", status, answer)
	}
}

// The chunks of one upload go to two gateways in turn. The one that brings it
// to its end is killed; the other one finishes, and nobody asks it to.
func TestPickedUpByTheOtherGateway(t *testing.T) {
	t.Parallel()
	const chunks, piece = 6, mib
	want := digestOfPieces(chunks, piece)
	sshd := remotetest.StartSSHD(t, accounts["stream"])
	args := []string{"--hosts", yamlOf(t, sshd.Host("web-1")), "--redis", registrytest.StartRedis(t).URL()}
	var gates [2]*process
	var bases [2]string
	for i := range gates { // each stands still before it publishes
		gates[i], bases[i] = servingBy(t, failing, []string{"SFTPGATE_FAILPOINT=finish.verified:stop"}, args...)
	}
	u := &uploader{t: t, base: bases[0], target: filepath.Join(sshd.Root, "disk.img"), chunks: chunks, piece: piece, acked: map[int]bool{}}
	u.open()
	for i := range chunks {
		url := fmt.Sprintf("%s/v1/uploads/%s/chunks/%d", bases[i%2], u.id, i)
		if status, answer := request("PUT", url, bytes.NewReader(pieceOf(i, piece))); status != 200 {
			t.Fatalf("chunk %d: %d %v", i, status, answer)
		}
	}
	for i, base := range bases {
		gates[i].poll("the same list from both", func() bool {
			_, answer := request("GET", base+"/v1/uploads", nil)
			list, _ := answer["uploads"].([]any)
			return len(list) == 1 && list[0].(map[string]any)["received_bytes"] == float64(chunks*piece)
		})
	}
	asked := make(chan struct{})
	go func() { defer close(asked); u.finishWithDigest(want) }()
	dies := -1
	wait.Until(t, "a gateway to be about to publish", func() bool {
		dies = slices.IndexFunc(gates[:], func(p *process) bool { return frozen(p.cmd.Process.Pid) })
		return dies >= 0
	})
	gates[dies].kill()
	wait.Receive(t, "an answer or none", asked)
	if exists(u.target) {
		t.Fatal("the target stands already, so that nothing is shown")
	}
	lives := gates[1-dies]
	if dies == 0 { // else the other one had taken it over already, and the one that was asked is waiting for it
		lives.logged("resuming an interrupted finish")
	}
	lives.poll("the other one to be about to publish", func() bool { return frozen(lives.cmd.Process.Pid) })
	_ = lives.cmd.Process.Signal(syscall.SIGCONT)
	appears(t, lives, u.target)
	u.base = bases[1-dies]
	if answer := u.done(); answer["verified"] != "sha-256" {
		t.Errorf("done as %v", answer)
	}
	if got := digestOfFile(t, u.target); !bytes.Equal(got, want) {
		t.Errorf("digest %x, want %x", got, want)
	}
	lives.poll("the staging to go", func() bool { left, _ := os.ReadDir(sshd.Root); return len(left) == 1 })
}

// The same by the one gateway there is, after its restart.
func TestPickedUpAfterARestart(t *testing.T) {
	t.Parallel()
	const chunks, piece = 4, mib
	want := digestOfPieces(chunks, piece)
	sshd := remotetest.StartSSHD(t, accounts["copy-data"])
	args := []string{"--hosts", yamlOf(t, sshd.Host("web-1")), "--state", t.TempDir()}
	p, base := servingBy(t, failing, []string{"SFTPGATE_FAILPOINT=finish.verified"}, args...)
	u := &uploader{t: t, base: base, target: filepath.Join(sshd.Root, "disk.img"), chunks: chunks, piece: piece, acked: map[int]bool{}}
	if err := u.send(u.missing(u.open())); err != nil {
		t.Fatal(err)
	}
	u.finishWithDigest(want)
	p.exits()
	if exists(u.target) {
		t.Fatal("the target stands already, so that nothing is shown")
	}
	p, _ = servingBy(t, plain, nil, args...)
	appears(t, p, u.target)
	p.poll("the staging to go", func() bool { left, _ := os.ReadDir(sshd.Root); return len(left) == 1 })
	if got := digestOfFile(t, u.target); !bytes.Equal(got, want) {
		t.Errorf("digest %x, want %x", got, want)
	}
}

// The registry loses its master in mid-upload, and another server takes its
// place. A client that tries again when it is told to notices nothing else.
func TestRegistryFailsOver(t *testing.T) {
	const chunks, piece = 24, mib / 4
	want := digestOfPieces(chunks, piece)
	for name, start := range map[string]func(*testing.T) (url string, fail func()){
		"sentinel": func(t *testing.T) (string, func()) {
			s := registrytest.StartSentinel(t)
			return s.URL(), func() { s.FailedOver(s.KillMaster()) }
		},
		"cluster": func(t *testing.T) (string, func()) {
			c := registrytest.StartCluster(t)
			master := c.Owner("{pending}") // all nodes have something of an upload
			replica := c.Replica(master)
			return c.URL(), func() {
				replica.CaughtUp(master)
				master.Kill()
				c.Replaced(master, replica)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
			url, fail := start(t)
			_, base := serving(t, "--hosts", yamlOf(t, sshd.Host("web-1")), "--redis", url)
			u := &uploader{t: t, base: base, target: filepath.Join(sshd.Root, "disk.img"), chunks: chunks, piece: piece, acked: map[int]bool{}}
			u.open()
			over := make(chan struct{})
			for i := range chunks {
				if i == chunks/3 {
					go func() { defer close(over); fail() }()
				}
				if i == chunks/2 {
					<-over
				}
				u.insist("PUT", fmt.Sprintf("%s/v1/uploads/%s/chunks/%d", base, u.id, i), pieceOf(i, piece))
			}
			u.insist("POST", base+"/v1/uploads/"+u.id+"/merge", nil)
			u.done()
			if got := digestOfFile(t, u.target); !bytes.Equal(got, want) {
				t.Errorf("digest %x, want %x", got, want)
			}
		})
	}
}

// insist sends a request again while it is told that that may help, and takes
// the upload up again where it is not known any more.
func (u *uploader) insist(method, url string, body []byte) {
	u.t.Helper()
	wait.Until(u.t, "an answer to "+method+" "+url, func() bool {
		status, answer := request(method, url, bytes.NewReader(body))
		good := status >= 200 && status < 300
		if !good && answer["retryable"] != true {
			u.t.Fatalf("%s %s: %d %v", method, url, status, answer)
		}
		if status == http.StatusNotFound {
			if id := u.id; u.open()["id"] != id {
				u.t.Fatalf("the upload is another one now: %s, was %s", u.id, id)
			}
		}
		return good
	})
}
