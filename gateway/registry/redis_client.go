package registry

import (
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// A server that answers at all does so in a few milliseconds. One attempt is
// given dialling, authentication and the command; see redis_retry.go for the whole.
const stepTimeout = time.Second

// universal takes from the options of one server what we let the URL say.
func universal(one *redis.Options) *redis.UniversalOptions {
	return &redis.UniversalOptions{
		Addrs:      []string{one.Addr}, // a path is dialled as a Unix socket
		Username:   one.Username,
		Password:   one.Password,
		DB:         one.DB,
		TLSConfig:  one.TLSConfig,
		ClientName: one.ClientName,
		Protocol:   one.Protocol,
		PoolSize:   one.PoolSize,

		MaxRetries:            -1, // retries are ours
		DialerRetries:         1,
		DialTimeout:           stepTimeout,
		ReadTimeout:           stepTimeout,
		WriteTimeout:          stepTimeout,
		PoolTimeout:           stepTimeout,
		ContextTimeoutEnabled: true,

		// Two round trips less for a new connection; neither is of use here.
		DisableIdentity:          true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
}

// patient leaves a dial time to notice that a sentinel is frozen, twice, and to
// ask the others: go-redis stays with a sentinel on which the dial itself runs
// out of time. Measured where the master and the sentinel in use freeze at
// once: after 2 s calls succeed again, without this after 10 s.
func patient(o *redis.UniversalOptions) {
	o.ReadTimeout, o.WriteTimeout = stepTimeout/2, stepTimeout/2
	o.DialTimeout = 2 * stepTimeout
}

// connect makes the client of one server, of the master that sentinels name, or
// of a cluster. It dials nothing yet.
func connect(o *redis.UniversalOptions) redis.UniversalClient {
	if o.TLSConfig != nil && (o.MasterName != "" || o.IsClusterMode) {
		o.TLSConfig.ServerName = "" // each server shows a certificate for its own address
	}
	if !o.IsClusterMode {
		return redis.NewUniversalClient(o)
	}
	c := o.Cluster()
	// Redirections (MOVED, ASK) are followed by the cluster's client, which runs a
	// command again after a cut connection as well. All of ours may be run twice.
	c.MaxRedirects = 3
	c.ClusterStateReloadInterval = 10 * time.Second // of the map of slots; see also remap
	// Routing by what COMMAND says would ask a node for all of it first, with a
	// deadline of five seconds in the place of ours. All of our commands name a key.
	c.DisableRoutingPolicies = true
	return redis.NewClusterClient(c)
}

// describe names the servers for messages, without credentials.
func describe(o *redis.UniversalOptions) string {
	addrs := strings.Join(o.Addrs, ",")
	switch {
	case o.MasterName != "":
		return o.MasterName + " of the sentinels " + addrs
	case o.IsClusterMode:
		return "cluster " + addrs
	}
	return addrs
}
