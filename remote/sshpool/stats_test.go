package sshpool_test

import (
	"bytes"
	"context"
	"errors"
	"path"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sftpgate/remote/hosts"
	"sftpgate/remote/remotetest"
	"sftpgate/remote/sshpool"
)

func TestStats(t *testing.T) {
	const took = 3 * time.Second // each dial
	synctest.Test(t, func(t *testing.T) {
		disk := memoryDisk(t)
		var mu sync.Mutex
		dials := map[string][]*sshpool.Error{}
		l := open(t, sshpool.Options{
			Dial: func(ctx context.Context, h hosts.Host) (sshpool.Transport, error) {
				time.Sleep(took)
				if h.ID == "down" {
					return nil, errors.New("refused")
				}
				return disk.Dial(remotetest.ServerOptions{})(ctx, h)
			},
			Dialed: func(host string, d time.Duration, failure *sshpool.Error) {
				mu.Lock()
				defer mu.Unlock()
				dials[host] = append(dials[host], failure)
				if d != took {
					t.Errorf("a dial of %s that took %v", host, d)
				}
			},
		}, memoryHost("up", 1), memoryHost("down", 1))
		if got := l.Stats(); len(got) != 2 || got[0] != (sshpool.Stats{Host: "up", State: sshpool.Unknown}) || got[1].Host != "down" {
			t.Fatalf("before anything was dialled: %+v", got)
		}

		p, _ := l.Host("up")
		c := conn(t, p)
		f, err := c.SFTP().Create(path.Join(memoryRoot, "f"))
		if err != nil {
			t.Fatal(err)
		}
		const size = 1 << 20
		if _, err := f.ReadFrom(bytes.NewReader(make([]byte, size))); err != nil {
			t.Fatal(err)
		}
		_ = f.Close()
		q, _ := l.Host("down")
		_, err = q.Conn(t.Context())
		wantError(t, err, sshpool.Unreachable)

		got := l.Stats()
		if u := got[0]; u.State != sshpool.Up || u.Open != 1 || u.BreakerOpen || u.Sent < size || u.Sent > size+size/10 || u.Received == 0 || u.Received > size/10 {
			t.Errorf("after %d bytes: %+v", size, u)
		}
		if d := got[1]; d.State != sshpool.Down || d.Open != 0 || !d.BreakerOpen || d.Sent != 0 {
			t.Errorf("of a host that is down: %+v", d)
		}
		mu.Lock()
		defer mu.Unlock()
		if len(dials["up"]) != 1 || dials["up"][0] != nil || len(dials["down"]) != 1 || dials["down"][0].Kind != sshpool.Unreachable {
			t.Errorf("dials: %v", dials)
		}
	})
}
