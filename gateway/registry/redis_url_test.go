package registry

import (
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
	o, err = options("unix:///run/redis.sock?db=1")
	must(t, "options", err)
	if o.Addrs[0] != "/run/redis.sock" || o.DB != 1 {
		t.Errorf("got %+v", o)
	}
}

func TestRedisURLRefused(t *testing.T) {
	for _, url := range []string{
		"", "localhost:6379", "http://gate:s3cret@host", "redis://gate:s3/cret@host:6379",
		"redis://gate:s3cret@host:6379/zero", "redis://:s3cret@host:port", "redis://host?max_retries=3",
		"redis://host?read_timeout=1h", "redis://host?nonsense=1", "redis://%zzs3cret@host",
	} {
		_, err := OpenRedis(t.Context(), url, nil)
		if err == nil {
			t.Errorf("%q: accepted", url)
		} else if strings.Contains(err.Error(), "s3") {
			t.Errorf("%q: the error tells the password: %v", url, err)
		}
	}
}
