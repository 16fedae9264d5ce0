package registrytest

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sftpgate/remote/remotetest/await"
)

// RedisSentinel is a master and a replica under the eyes of three sentinels,
// real ones on 127.0.0.1. It ends with the test, and its methods fail the test
// when they cannot do their work.
type RedisSentinel struct {
	Sentinels []*RedisServer
	Servers   []*RedisServer // at first the master, then the replica

	t testing.TB
}

// watched is the name that the sentinels have for the master.
const watched = "mymaster"

// StartSentinel starts all of them and returns when the replica has all data
// and the sentinels would agree on a fail-over. They start one when the master
// has been silent for a second, longer on a slow machine, and need one or two
// more to carry it out.
func StartSentinel(t testing.TB) *RedisSentinel {
	t.Helper()
	s := &RedisSentinel{t: t}
	master := StartRedis(t, "--repl-diskless-sync-delay", "0")
	replica := StartRedis(t, "--repl-diskless-sync-delay", "0", "--replicaof", "127.0.0.1 "+master.port())
	s.Servers = []*RedisServer{master, replica}
	// Before a sentinel looks: it looks again after ten seconds only.
	replica.await("INFO replication", "master_link_status:up")
	master.await("INFO replication", "state=online")
	down := await.Scaled(time.Second)
	var known []string // so that they need not find each other, which takes seconds
	for range 3 {
		id := make([]byte, 20)
		_, _ = rand.Read(id)
		sentinel := newServer(t)
		sentinel.conf = filepath.Join(t.TempDir(), "sentinel.conf")
		sentinel.args = append(sentinel.args, "--sentinel")
		conf := []string{
			"sentinel myid " + hex.EncodeToString(id),
			fmt.Sprintf("sentinel monitor %s 127.0.0.1 %s 2", watched, master.port()),
			fmt.Sprintf("sentinel down-after-milliseconds %s %d", watched, down.Milliseconds()),
			fmt.Sprintf("sentinel failover-timeout %s %d", watched, 2*down.Milliseconds()),
		}
		conf = append(conf, known...)
		if err := os.WriteFile(sentinel.conf, []byte(strings.Join(conf, "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		sentinel.startAnywhere()
		s.Sentinels = append(s.Sentinels, sentinel)
		known = append(known, fmt.Sprintf("sentinel known-sentinel %s 127.0.0.1 %s %s", watched, sentinel.port(), hex.EncodeToString(id)))
	}
	for _, sentinel := range s.Sentinels {
		sentinel.await("SENTINEL CKQUORUM "+watched, "+OK 3 usable")
		sentinel.await("SENTINEL REPLICAS "+watched, "master-link-status\n$2\nok")
	}
	return s
}

// URL is what OpenRedis takes.
func (s *RedisSentinel) URL() string {
	var addrs []string
	for _, sentinel := range s.Sentinels {
		addrs = append(addrs, sentinel.Addr)
	}
	return "redis+sentinel://" + strings.Join(addrs, ",") + "/" + watched
}

// Master is the server that a sentinel names; nil when no sentinel runs.
func (s *RedisSentinel) Master() *RedisServer {
	s.t.Helper()
	var master *RedisServer
	await.Until(s.t, "a sentinel to name the master", func() bool {
		running := false
		for _, sentinel := range s.Sentinels {
			if sentinel.cmd == nil {
				continue
			}
			if master = s.named(sentinel); master != nil {
				return true
			}
			running = true
		}
		return !running
	})
	return master
}

// named is the master that one sentinel names; nil when it does not answer soon.
func (s *RedisSentinel) named(sentinel *RedisServer) *RedisServer {
	lines, err := sentinel.glance("SENTINEL GET-MASTER-ADDR-BY-NAME " + watched)
	if err != nil || len(lines) < 5 { // two strings, each behind its length
		return nil
	}
	for _, server := range s.Servers {
		if server.port() == lines[4] {
			return server
		}
	}
	return nil
}

// FailedOver returns when all sentinels that run name another master than old: a
// client believes whichever answers first.
func (s *RedisSentinel) FailedOver(old *RedisServer) {
	s.t.Helper()
	for _, sentinel := range s.Sentinels {
		await.Until(s.t, "the sentinel at "+sentinel.Addr+" to name another master", func() bool {
			if sentinel.cmd == nil {
				return true
			}
			now := s.named(sentinel)
			return now != nil && now != old
		})
	}
}

// KillMaster ends the master with SIGKILL and returns it.
func (s *RedisSentinel) KillMaster() *RedisServer {
	s.t.Helper()
	master := s.Master()
	if master == nil {
		s.t.Fatal("no sentinel names a master")
	}
	master.Kill()
	return master
}
