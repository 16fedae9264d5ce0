package registry

import (
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestRedisURL(t *testing.T) {
	o, err := options("rediss://gate:p%40ss@redis.example:6380/3?client_name=gate&pool_size=7")
	must(t, "options", err)
	if o.Addrs[0] != "redis.example:6380" || o.Username != "gate" || o.Password != "p@ss" || o.DB != 3 ||
		o.ClientName != "gate" || o.PoolSize != 7 || o.TLSConfig == nil || o.TLSConfig.ServerName != "redis.example" {
		t.Errorf("got %+v", o)
	}
	o, err = options("unix:///run/redis@1.sock?db=1")
	must(t, "options", err)
	if o.Addrs[0] != "/run/redis@1.sock" || o.DB != 1 {
		t.Errorf("got %+v", o)
	}
}

func TestRedisSentinelURL(t *testing.T) {
	o, err := options("rediss+sentinel://gate:p%40s,s@s1:1,[::1],s3.example/the%20master/3?sentinel_username=watch&sentinel_password=w%26&pool_size=7")
	must(t, "options", err)
	if !slices.Equal(o.Addrs, []string{"s1:1", "[::1]:26379", "s3.example:26379"}) || o.MasterName != "the master" || o.DB != 3 ||
		o.Username != "gate" || o.Password != "p@s,s" || o.SentinelUsername != "watch" || o.SentinelPassword != "w&" ||
		o.TLSConfig == nil || o.PoolSize != 7 || o.IsClusterMode {
		t.Errorf("got %+v", o)
	}
	o, err = options("redis+sentinel://s1/mymaster?db=2")
	must(t, "options", err)
	if !slices.Equal(o.Addrs, []string{"s1:26379"}) || o.MasterName != "mymaster" || o.DB != 2 || o.TLSConfig != nil {
		t.Errorf("got %+v", o)
	}
}

func TestRedisClusterURL(t *testing.T) {
	for url, addrs := range map[string][]string{
		"redis+cluster://gate:pw@n1:1,n2,[::1]:3":         {"n1:1", "n2:6379", "[::1]:3"},
		"redis+cluster://gate:pw@n1/0?client_name=gate":   {"n1:6379"},
		"rediss+cluster://gate:pw@n1,n2?skip_verify=true": {"n1:6379", "n2:6379"},
	} {
		o, err := options(url)
		must(t, url, err)
		if !slices.Equal(o.Addrs, addrs) || !o.IsClusterMode || o.MasterName != "" || o.Username != "gate" || o.Password != "pw" ||
			(o.TLSConfig != nil) != strings.HasPrefix(url, "rediss") {
			t.Errorf("%s: got %+v", url, o)
		}
	}
}

func TestRedisPasswordFile(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		must(t, "write", os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	one, two, empty := file("one", " s3/cret@\n"), file("two", "\ufeffs3cond\r\n"), file("empty", "\n")
	o, err := options("redis+sentinel://gate@s1/mymaster?password_file=" + one + "&sentinel_password_file=" + two)
	must(t, "options", err)
	if o.Username != "gate" || o.Password != " s3/cret@" || o.SentinelPassword != "s3cond" {
		t.Errorf("got %+v", o)
	}
	for url, says := range map[string]string{
		"redis://h?password_file=" + dir + "/none":            dir + "/none",
		"redis://:s3cret@h?password_file=" + one:              "remove one of them",
		"redis+cluster://h?password_file=" + empty:            "empty",
		"redis://h?sentinel_password_file=" + two:             "sentinel_password_file",
		"redis+cluster://h?sentinel_password_file=" + two:     "sentinel_password_file",
		"redis+sentinel://h?password_file=" + one:             "mymaster",
		"redis+sentinel:///mymaster?password_file=" + one:     "address 1",
		"redis+sentinel://h,/m?password_file=" + one:          "address 2",
		"redis+sentinel://h:x/m?password_file=" + one:         "redis+sentinel://",
		"redis+sentinel://h/m/0/1?password_file=" + one:       "redis+sentinel://",
		"redis+sentinel://h/m/zero?password_file=" + one:      "redis+sentinel://",
		"redis+cluster://?password_file=" + one:               "address 1",
		"redis+cluster://h,h:6379x?password_file=" + one:      "address 2",
		"redis+cluster://h/2?password_file=" + one:            "database 2",
		"redis+nonsense://h?password_file=" + one:             "redis+cluster://",
		"unix+cluster:///run/redis.sock?password_file=" + one: "redis+cluster://",
	} {
		if _, err := options(url); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want an error with %q", url, err, says)
		} else if strings.Contains(err.Error(), "s3") {
			t.Errorf("%s: the error tells the password: %v", url, err)
		}
	}
}

func TestRedisURLRefused(t *testing.T) {
	for _, url := range []string{
		"", "localhost:6379", "http://gate:s3cret@host", "redis://gate:s3/cret@host:6379",
		"redis://gate:s3cret@host:6379/zero", "redis://:s3cret@host:port", "redis://host?max_retries=3",
		"redis://host?read_timeout=1h", "redis://host?nonsense=1", "redis://%zzs3cret@host",
		"redis://:12?s3cret@host", "redis://:12#s3cret@host", "unix://:12?s3cret@/run/redis.sock",
		"redis+sentinel://gate:s3/cret@h1,h2/mymaster", "redis+sentinel://:s3cret@h1,h2",
		"redis+cluster://gate:s3?cret@h1,h2", "redis+cluster://gate:s3cret@h1,h2 h3", "redis+cluster://:%zzs3cret@h1",
	} {
		_, err := OpenRedis(t.Context(), url, nil)
		if err == nil {
			t.Errorf("%q: accepted", url)
		} else if strings.Contains(err.Error(), "s3") {
			t.Errorf("%q: the error tells the password: %v", url, err)
		}
	}
}

// Whatever the URL, an error does not tell the password, and what is accepted
// can be dialled and leaves retries to us.
func FuzzRedisURL(f *testing.F) {
	f.Add("redis", "gate", "", "host:6379/0?pool_size=3")
	f.Add("rediss+sentinel", "gate", "/x?y#", "h1:26379,h2/mymaster/0?sentinel_username=watch")
	f.Add("redis+cluster", "", ",@", "h1:7000,[::1]:7001?client_name=x")
	f.Add("unix", "", "%zz", "/run/redis.sock?db=1")
	f.Add("redis", "", "", "0]")
	f.Fuzz(func(t *testing.T, scheme, user, more, rest string) {
		const secret = "s3cret"
		o, _, err := parseURL(scheme + "://" + user + ":" + secret + more + "@" + rest)
		if err != nil {
			if strings.Contains(err.Error(), secret) && !strings.Contains(rest, secret) {
				t.Errorf("the error tells the password: %v", err)
			}
			return
		}
		if o.MaxRetries != -1 || !o.ContextTimeoutEnabled || len(o.Addrs) == 0 {
			t.Errorf("got %+v", o)
		}
		for _, addr := range o.Addrs {
			if _, _, err := net.SplitHostPort(addr); err != nil && scheme != "unix" {
				t.Errorf("address %q: %v", addr, err)
			}
		}
		if strings.HasSuffix(scheme, "+sentinel") != (o.MasterName != "") {
			t.Errorf("%s with master %q", scheme, o.MasterName)
		}
	})
}
