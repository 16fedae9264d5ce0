package registry

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"
)

// settings are the query parameters that --redis may carry. The others of
// go-redis would change what this package promises: its retries would run a
// script twice behind our back, its timeouts hold up a request.
var settings = []string{"db", "client_name", "protocol", "pool_size", "skip_verify", "password_file"}

// sentinelSettings are those of a URL of sentinels besides.
var sentinelSettings = []string{"sentinel_username", "sentinel_password", "sentinel_password_file"}

// credentials are what the URL says by reference.
type credentials struct {
	passwordFile, sentinelPasswordFile string
}

// CheckURL says what is wrong with a URL for [OpenRedis]; nothing is connected to.
func CheckURL(url string) error {
	_, err := options(url)
	return err
}

// options reads the URL and the files that it names. No error repeats what may
// be part of a password.
func options(raw string) (*redis.UniversalOptions, error) {
	o, c, err := parseURL(raw)
	if err != nil {
		return nil, err
	}
	if err := c.read("password_file", c.passwordFile, &o.Password); err != nil {
		return nil, err
	}
	if err := c.read("sentinel_password_file", c.sentinelPasswordFile, &o.SentinelPassword); err != nil {
		return nil, err
	}
	return o, nil
}

// read puts what is in the file, less the end of its line, in the place of a
// password that the URL does not have.
func (credentials) read(setting, path string, password *string) error {
	if path == "" {
		return nil
	}
	if *password != "" {
		return fmt.Errorf("the Redis URL has a password and a %s: remove one of them", setting)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("the %s of the Redis URL: %w", setting, err)
	}
	*password = strings.TrimPrefix(strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r"), "\ufeff")
	if *password == "" {
		return fmt.Errorf("the %s of the Redis URL, %s, is empty", setting, path)
	}
	return nil
}

// parseURL reads one of the forms in errMalformed into the options from which
// go-redis makes one server, Sentinel or Cluster alike.
func parseURL(raw string) (*redis.UniversalOptions, credentials, error) {
	if suspicious(raw) {
		return nil, credentials{}, errMalformed
	}
	scheme, rest, _ := strings.Cut(raw, "://")
	scheme, kind, several := strings.Cut(scheme, "+")
	switch {
	case !several && slices.Contains([]string{"redis", "rediss", "unix"}, scheme):
		return parseOne(raw, settings)
	case slices.Contains([]string{"redis", "rediss"}, scheme) && kind == "sentinel":
		return parseSentinel(scheme, rest)
	case slices.Contains([]string{"redis", "rediss"}, scheme) && kind == "cluster":
		return parseCluster(scheme, rest)
	}
	return nil, credentials{}, errMalformed
}

// suspicious reports whether a special character ends the password before its
// time, so that the rest of it would be taken for a path or a parameter.
func suspicious(raw string) bool {
	scheme, rest, _ := strings.Cut(raw, "://")
	ends := "/?"
	if scheme == "unix" {
		ends = "?" // there may be an @ in the path of a socket
	}
	i := strings.IndexAny(rest, ends)
	return i >= 0 && strings.Contains(rest[i:], "@") || strings.Contains(rest, "#")
}

// parseOne reads the URL of one server, which may have the parameters allowed.
func parseOne(raw string, allowed []string) (*redis.UniversalOptions, credentials, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme == "unix" && u.Path == "" {
		return nil, credentials{}, errMalformed
	}
	q, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, credentials{}, errMalformed
	}
	for name := range q {
		if !slices.Contains(allowed, name) {
			return nil, credentials{}, fmt.Errorf("the Redis URL has a parameter %q, which is not one of %v: remove it", name, allowed)
		}
	}
	c := credentials{q.Get("password_file"), q.Get("sentinel_password_file")}
	sentinelUser, sentinelPassword := q.Get("sentinel_username"), q.Get("sentinel_password")
	for _, ours := range slices.Concat(sentinelSettings, []string{"password_file"}) {
		q.Del(ours) // go-redis knows none of them
	}
	u.RawQuery = q.Encode()
	one, err := redis.ParseURL(u.String())
	if err != nil || u.Scheme != "unix" && !dialable(one.Addr) {
		return nil, credentials{}, errMalformed
	}
	o := universal(one)
	o.SentinelUsername, o.SentinelPassword = sentinelUser, sentinelPassword
	return o, c, nil
}

// parseSentinel reads [user:password@]sentinel[:26379][,…]/master[/db][?…].
func parseSentinel(scheme, rest string) (*redis.UniversalOptions, credentials, error) {
	user, hosts, tail := authority(rest)
	path, query, _ := strings.Cut(tail, "?")
	master, db, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	master, err := url.PathUnescape(master)
	if err != nil || strings.Contains(db, "/") {
		return nil, credentials{}, errMalformed
	}
	if master == "" {
		return nil, credentials{}, errors.New("the Redis URL does not name the master that the sentinels watch: " + sentinelExample)
	}
	addrs, err := addresses(hosts, "26379")
	if err != nil {
		return nil, credentials{}, fmt.Errorf("%w: %s", err, sentinelExample)
	}
	o, c, err := parseOne(scheme+"://"+user+addrs[0]+"/"+db+"?"+query, slices.Concat(settings, sentinelSettings))
	if err != nil {
		return nil, credentials{}, err
	}
	o.Addrs, o.MasterName = addrs, master
	patient(o)
	return o, c, nil
}

// parseCluster reads [user:password@]node[:6379][,…][?…].
func parseCluster(scheme, rest string) (*redis.UniversalOptions, credentials, error) {
	user, hosts, tail := authority(rest)
	addrs, err := addresses(hosts, "6379")
	if err != nil {
		return nil, credentials{}, fmt.Errorf("%w: %s", err, clusterExample)
	}
	o, c, err := parseOne(scheme+"://"+user+addrs[0]+tail, settings)
	if err != nil {
		return nil, credentials{}, err
	}
	if o.DB != 0 {
		return nil, credentials{}, fmt.Errorf("the Redis URL names database %d, but a Redis Cluster has only database 0: remove it", o.DB)
	}
	o.Addrs, o.IsClusterMode = addrs, true
	return o, c, nil
}

// authority takes apart what stands behind the scheme; url.Parse allows one
// host only. user ends with its @.
func authority(rest string) (user, hosts, tail string) {
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		rest, tail = rest[:i], rest[i:]
	}
	i := strings.LastIndex(rest, "@") + 1
	return rest[:i], rest[i:], tail
}

// addresses reads a list of hosts, with port where they have none. It does not
// repeat what it cannot read.
func addresses(list, port string) ([]string, error) {
	var addrs []string
	for i, one := range strings.Split(list, ",") {
		u, err := url.Parse("redis://" + one)
		if err != nil || u.Hostname() == "" || u.Host != one {
			return nil, fmt.Errorf("address %d of the Redis URL cannot be read", i+1)
		}
		addr := net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), port))
		if !dialable(addr) {
			return nil, fmt.Errorf("address %d of the Redis URL cannot be read", i+1)
		}
		addrs = append(addrs, addr)
	}
	return addrs, nil
}

// dialable is stricter than url.Parse.
func dialable(addr string) bool {
	_, _, err := net.SplitHostPort(addr)
	return err == nil
}

const (
	sentinelExample = "it must look like redis+sentinel://user:password@sentinel1:26379,sentinel2:26379,sentinel3:26379/mymaster/0"
	clusterExample  = "it must look like redis+cluster://user:password@node1:6379,node2:6379,node3:6379"
)

var errMalformed = errors.New("the Redis URL cannot be read: it must look like redis://user:password@host:6379/0, " +
	"unix:///path/to/socket, redis+sentinel://user:password@sentinel1:26379,sentinel2:26379/mymaster/0 " +
	"or redis+cluster://user:password@node1:6379,node2:6379 (rediss for TLS); " +
	"write special characters in the password as %XX, or name a file that holds it with ?password_file=/path")
