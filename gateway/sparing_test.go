package gateway_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"sftpgate/gateway"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/sshpool"
)

// What uploads cost a host nearby is counted by its own sshd: connections, and sessions,
// each of which starts the account's login shell with whatever its start-up files load.
type cost struct{ connections, sessions, commands int }

func costOf(sshd *remotetest.SSHD) cost {
	log := sshd.Log()
	return cost{strings.Count(log, "Accepted publickey for "), strings.Count(log, "Starting session: "),
		strings.Count(log, "Starting session: command")}
}

func (c cost) since(before cost) cost {
	return cost{c.connections - before.connections, c.sessions - before.sessions, c.commands - before.commands}
}

// sendAtOnce sends a file in chunks in random order, so many at once, and finishes it.
func (r *rig) sendAtOnce(name string, content []byte, chunk int64, lanes int, edit ...func(*gateway.OpenRequest)) {
	r.t.Helper()
	id := r.open(alice, name, int64(len(content)), edit...).Upload.ID
	next := make(chan int64)
	var senders sync.WaitGroup
	for range lanes {
		senders.Go(func() {
			for off := range next {
				if err := r.trySend(alice, id, content, off, min(chunk, int64(len(content))-off)); err != nil {
					r.t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
	for _, i := range rand.Perm((len(content) + int(chunk) - 1) / int(chunk)) {
		next <- int64(i) * chunk
	}
	close(next)
	senders.Wait()
	r.finish(alice, id)
}

// The first upload opens few connections and starts few shells, a further one next to
// none; whether a digest is declared or not.
func TestUploadsNearbyCostFewLogins(t *testing.T) {
	t.Parallel()
	content := noise(48 * mib)
	for name, edit := range map[string]func(*gateway.OpenRequest){
		"plain":  func(*gateway.OpenRequest) {},
		"digest": func(o *gateway.OpenRequest) { sum := digestOf(content); o.Digest = &sum },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
			r := &rig{gatewayOn(t, embedded(t), away("near", sshpool.Options{}), sshd.Host("web-1")), t, sshd, sshd.Root}
			r.sendAtOnce("first", content, 4*mib, 4, edit)
			first := costOf(r.sshd)
			if first.connections > 3 || first.sessions > 5 {
				t.Errorf("the first upload took %+v", first)
			}
			r.sendAtOnce("second", content, 4*mib, 4, edit)
			if again := costOf(r.sshd).since(first); again.sessions > 1 {
				t.Errorf("a further upload took %+v", again)
			}
			r.exact("first", content)
			r.exact("second", content)
		})
	}
}

// Many uploads at once share their shells.
func TestUploadsAtOnceShareShells(t *testing.T) {
	t.Parallel()
	r := newRig(t, remotetest.SSHDOptions{})
	content := noise(3 * mib)
	var all sync.WaitGroup
	for i := range 24 {
		all.Go(func() { r.sendAtOnce(fmt.Sprint(i), content, mib, 2) })
	}
	all.Wait()
	if c := costOf(r.sshd); c.commands > 5 {
		t.Errorf("24 uploads at once started %d shells", c.commands)
	}
	for i := range 24 {
		r.exact(fmt.Sprint(i), content)
	}
}
