package registry

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// A server that answers at all does so in a few milliseconds. One attempt is
// given dialling, authentication and the command; see redis_retry.go for the whole.
const stepTimeout = time.Second

// settings are the query parameters that --redis may carry. The others of
// go-redis would change what this package promises: its retries would run a
// script twice behind our back, its timeouts hold up a request.
var settings = []string{"db", "client_name", "protocol", "pool_size", "skip_verify"}

// options reads redis://, rediss:// or unix:// into the options from which
// go-redis makes one server, Sentinel or Cluster alike. No error repeats the
// URL: it may hold a password.
func options(raw string) (*redis.UniversalOptions, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, errMalformed
	}
	switch u.Scheme {
	case "redis", "rediss", "unix":
	default:
		return nil, errMalformed
	}
	for name := range u.Query() {
		if !slices.Contains(settings, name) {
			return nil, fmt.Errorf("the Redis URL has a parameter %q, which is not one of %v: remove it", name, settings)
		}
	}
	one, err := redis.ParseURL(raw)
	if err != nil {
		return nil, errMalformed
	}
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
	}, nil
}

var errMalformed = errors.New("the Redis URL cannot be read: it must look like redis://user:password@host:6379/0 " +
	"(rediss:// for TLS, unix:///path/to/socket for a socket); write special characters in the password as %XX")
