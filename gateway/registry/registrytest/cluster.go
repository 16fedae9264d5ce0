package registrytest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"sftpgate/remote/remotetest/await"
)

// RedisCluster is a real Redis Cluster of three masters on 127.0.0.1, each with
// a third of the slots. It ends with the test, and its methods fail the test
// when they cannot do their work.
type RedisCluster struct {
	Masters []*RedisServer

	t testing.TB
}

const slotCount = 16384

// StartCluster starts the nodes, joins them, and returns when all of them say
// that the cluster is up, which takes a node two seconds.
func StartCluster(t testing.TB) *RedisCluster {
	t.Helper()
	c := &RedisCluster{t: t}
	for i := range 3 {
		node := c.start()
		c.do(node, fmt.Sprintf("CLUSTER SET-CONFIG-EPOCH %d", i+1))
		var slots []string
		for slot := i * slotCount / 3; slot < (i+1)*slotCount/3; slot++ {
			slots = append(slots, strconv.Itoa(slot))
		}
		c.do(node, "CLUSTER ADDSLOTS "+strings.Join(slots, " "))
		c.Masters = append(c.Masters, node)
		c.meet(node)
	}
	c.Up()
	return c
}

// URL is what OpenRedis takes.
func (c *RedisCluster) URL() string {
	var addrs []string
	for _, node := range c.Masters {
		addrs = append(addrs, node.Addr)
	}
	return "redis+cluster://" + strings.Join(addrs, ",")
}

// Up returns when all masters that run say that the cluster is up.
func (c *RedisCluster) Up() {
	c.t.Helper()
	for _, node := range c.Masters {
		c.await(node, "CLUSTER INFO", "cluster_state:ok")
	}
}

// Replica starts a replica of master, which takes its place when it is gone,
// and returns when it has all data.
func (c *RedisCluster) Replica(master *RedisServer) *RedisServer {
	c.t.Helper()
	node := c.start()
	c.meet(node)
	id := c.do(master, "CLUSTER MYID")
	c.await(node, "CLUSTER NODES", id)
	c.do(node, "CLUSTER REPLICATE "+id)
	c.await(node, "INFO replication", "master_link_status:up")
	c.await(node, "CLUSTER INFO", "cluster_state:ok")
	for _, other := range c.Masters { // all must know it, or they do not elect it
		c.await(other, "CLUSTER NODES", "slave "+id)
	}
	return node
}

// Replaced notes that replica has taken the place of master.
func (c *RedisCluster) Replaced(master, replica *RedisServer) {
	c.Masters[slices.Index(c.Masters, master)] = replica
}

// Owner is the master that has the slot of key, as long as it was not moved.
func (c *RedisCluster) Owner(key string) *RedisServer {
	c.t.Helper()
	slot := c.slot(key)
	for i, node := range c.Masters {
		if slot < (i+1)*slotCount/3 {
			return node
		}
	}
	return nil
}

// Move moves the slot of key from its owner to another master, one step with
// each call of the function that it returns: first half of the cluster's
// protocol, when keys that are not there are looked for at the other master;
// then the keys, when all are; then the slot itself. It reports whether that
// was the last step.
func (c *RedisCluster) Move(key string) (step func() (last bool)) {
	c.t.Helper()
	from, slot := c.Owner(key), c.slot(key)
	to := c.Masters[(slices.Index(c.Masters, from)+1)%len(c.Masters)]
	fromID, toID := c.do(from, "CLUSTER MYID"), c.do(to, "CLUSTER MYID")
	steps := []func(){
		func() {
			c.do(to, fmt.Sprintf("CLUSTER SETSLOT %d IMPORTING %s", slot, fromID))
			c.do(from, fmt.Sprintf("CLUSTER SETSLOT %d MIGRATING %s", slot, toID))
		},
		func() {
			keys, err := from.ask(fmt.Sprintf("CLUSTER GETKEYSINSLOT %d 1000", slot))
			if err != nil {
				c.t.Fatal(err)
			}
			for i := 2; i < len(keys); i += 2 { // count, then length and text of each
				c.do(from, fmt.Sprintf("MIGRATE 127.0.0.1 %s %s 0 %d", to.port(), keys[i], await.Limit.Milliseconds()))
			}
		},
		func() {
			for _, node := range []*RedisServer{to, from} {
				c.do(node, fmt.Sprintf("CLUSTER SETSLOT %d NODE %s", slot, toID))
			}
		},
	}
	return func() bool {
		c.t.Helper()
		steps[0]()
		steps = steps[1:]
		return len(steps) == 0
	}
}

func (c *RedisCluster) start() *RedisServer {
	// A node that is gone is noticed after about the timeout and a half.
	timeout := strconv.FormatInt(await.Scaled(time.Second).Milliseconds(), 10)
	return StartRedis(c.t, "--cluster-enabled", "yes", "--cluster-node-timeout", timeout, "--repl-diskless-sync-delay", "0")
}

func (c *RedisCluster) meet(node *RedisServer) {
	c.do(c.Masters[0], "CLUSTER MEET 127.0.0.1 "+node.port())
}

func (c *RedisCluster) slot(key string) int {
	c.t.Helper()
	n, err := strconv.Atoi(strings.TrimPrefix(c.Masters[0].Do("CLUSTER KEYSLOT "+key), ":"))
	if err != nil {
		c.t.Fatal(err)
	}
	return n
}

// do sends a command that must succeed, and returns its reply, or the text of one.
func (c *RedisCluster) do(node *RedisServer, command string) string {
	c.t.Helper()
	lines, err := node.ask(command)
	if err != nil || strings.HasPrefix(lines[0], "-") {
		c.t.Fatalf("%.60s: %v %v", command, lines, err)
	}
	if strings.HasPrefix(lines[0], "$") && len(lines) > 1 {
		return lines[1]
	}
	return lines[0]
}

// await asks until the reply contains want; a node that does not run is passed over.
func (c *RedisCluster) await(node *RedisServer, command, want string) {
	c.t.Helper()
	if node.cmd != nil {
		node.await(command, want)
	}
}
