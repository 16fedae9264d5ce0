package hosts_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sftpgate/remote/hosts"
)

const pinned = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ8RCHzQJxTq0T0C3vDkcs0FOzcWQeZ1jV1GkcnVv5oD"

// certificate is a host certificate, made with ssh-keygen -s -h.
const certificate = "ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29tAAAAIGZs3P7AItMueb8OlMnk4f0vojp2pPddnmoYo1Icm01KAAAAIBrC9WNHfvSODnBiPpx+yUgt0Jt3BReOOyHez5uae8VGAAAAAAAAAAAAAAACAAAABXdlYi0xAAAABQAAAAFoAAAAAAAAAAD//////////wAAAAAAAAAAAAAAAAAAADMAAAALc3NoLWVkMjU1MTkAAAAgSInCMn5DPeM3YGhCA1+7obA8ct6yvs4NTQgccB/YWiIAAABTAAAAC3NzaC1lZDI1NTE5AAAAQKQRUT95ys7BESdOENv+5Bz22VYSpSXdtRstx+soHStABM6AN8qDos3ZtIieP/39Sn1LKwz/XaSgRS17hVeHlA4= /tmp/tmp.ociRa10D13/h.pub"

func parseFile(t *testing.T, text string) *hosts.Set {
	t.Helper()
	set, err := hosts.Parse("hosts.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// The file that new users start from must load as it is.
func TestExampleFile(t *testing.T) {
	set, err := hosts.Load("../../hosts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, h := range set.All() {
		ids = append(ids, h.ID)
	}
	if got := strings.Join(ids, " "); got != "web-1 db-1" {
		t.Fatalf("hosts %q", got)
	}
	db, _ := set.Get("db-1")
	if db.User != "backup" || db.Port != 2222 || db.Connections != 4 || db.Bandwidth != 50<<20 || db.MaxBodies != 32 || *db.Mode != 0o640 || len(db.Roots) != 2 {
		t.Fatalf("db-1: %+v", db)
	}
	if bastion, ok := set.Next(db); !ok || bastion.Address != "bastion.example.com" || bastion.User != "deploy" {
		t.Fatalf("bastion: %+v", bastion)
	}
	if _, ok := set.Get("bastion"); ok {
		t.Fatal("a host without roots can be sent files to")
	}
}

// As editors on Windows save it.
func TestByteOrderMark(t *testing.T) {
	text := "hosts:\r\n  a: {address: h, user: u, agent: true, known_hosts: /k, roots: [/r]}\r\n"
	if _, ok := parseFile(t, "\ufeff"+text).Get("a"); !ok {
		t.Error("the host is not there")
	}
	if _, err := hosts.Parse("hosts.yaml", []byte("\ufeffhosts:\n  a: {bogus: 1}\n")); err == nil || !strings.Contains(err.Error(), "hosts.yaml:2:7: unknown key") {
		t.Errorf("places moved: %v", err)
	}
	for _, mark := range []string{"\xff\xfe", "\xfe\xff"} {
		if _, err := hosts.Parse("hosts.yaml", []byte(mark+"h\x00")); err == nil || !strings.Contains(err.Error(), "save it as UTF-8") {
			t.Errorf("UTF-16: %v", err)
		}
	}
}

func TestDefaults(t *testing.T) {
	t.Setenv("HOME", "/home/me")
	set := parseFile(t, `
defaults: {user: deploy, key_file: ~/.ssh/id, known_hosts: ~/.ssh/known_hosts, tags: [a, b], connections: 3, agent: true, mode: 644}
hosts:
  z:  {address: z.example, roots: [/srv//files/../files/]}
  a1: {address: "[2001:db8::1]", roots: [/a, /b], tags: [], user: root, agent: false, port: 2200, label: no, mode: 0o600, engine: copy-data, read_back: false}
`)
	z, _ := set.Get("z")
	if z.Label != "z" || z.Port != 22 || z.User != "deploy" || z.KeyFile != "/home/me/.ssh/id" || z.Roots[0] != "/srv/files" ||
		len(z.Tags) != 2 || z.Connections != 3 || !z.Agent || *z.Mode != 0o644 || z.Engine != "auto" || z.NoReadBack || z.Addr() != "z.example:22" {
		t.Errorf("z: %+v", z)
	}
	a, _ := set.Get("a1")
	if a.Label != "no" || a.User != "root" || len(a.Tags) != 0 || a.Agent || a.Addr() != "[2001:db8::1]:2200" || *a.Mode != 0o600 || a.Engine != hosts.EngineCopyData || !a.NoReadBack {
		t.Errorf("a1: %+v", a)
	}
	if all := set.All(); all[0].ID != "z" || all[1].ID != "a1" {
		t.Error("the order of the file is lost")
	}
}

// Every fault is told with its place and with what to do.
func TestFaults(t *testing.T) {
	good := "hosts:\n  a: {address: h, user: u, key_file: /k, roots: [/r], host_key: " + pinned + "}\n"
	parseFile(t, good)
	with := func(extra string) string { return strings.Replace(good, "address: h", "address: h, "+extra, 1) }
	for name, c := range map[string]struct{ text, want string }{
		"unknown key":      {"hosts:\n  a:\n    adress: h\n", `hosts.yaml:3:5: unknown key "adress": remove it or correct it; the keys are address,`},
		"unknown top key":  {"host:\n  a: {}\n", `hosts.yaml:1:1: unknown key "host"`},
		"empty":            {"", "the hosts: key is missing"},
		"no host":          {"hosts: {}\n", "no hosts: add at least one"},
		"hosts a list":     {"hosts:\n  - a\n", "hosts.yaml:2:3: hosts must be"},
		"host empty":       {"hosts:\n  a:\n", "host a must be"},
		"not yaml":         {"hosts:\n  a: [\n", "hosts.yaml:2:6: "},
		"tab":              {"hosts:\n\ta: 1\n", "hosts.yaml:2:1: there is a tab here"},
		"tab further down": {"hosts:\n  a:\n    address: h\n\tuser: u\n", "hosts.yaml:4:1: there is a tab here"},
		"indented less":    {"hosts:\n  a:\n    address: h\n   user: u\n", "hosts.yaml:4:4: this line is indented differently"},
		"indented top":     {" hosts:\n  a: {}\ndefaults:\n  user: u\n", "hosts.yaml:3:1: this line is indented differently"},
		"no colon":         {"hosts:\n  a:\n    address h\n    user: u\n", "hosts.yaml:3:5: no key is allowed here"},
		"no space":         {"hosts:\n  a:\n    address:h\n    user:u\n", "a colon and a space"},
		"two colons":       {"hosts:\n  a:\n    address: h: 22\n", "hosts.yaml:3:14: there is a second"},
		"quotes open":      {"hosts:\n  a:\n    address: \"h\n", "hosts.yaml:3:14: the quotes are not closed"},
		"quotes open too":  {"hosts:\n  a:\n    address: 'h\n", "hosts.yaml:3:14: the quotes are not closed"},
		"list open":        {"hosts:\n  a:\n    roots: [a, b\n    user: u\n", "the list is not closed"},
		"braces open":      {"hosts:\n  a: {address: h\n", "hosts.yaml:2:6: the braces are not closed"},
		"reserved":         {"hosts:\n  a:\n    password: @x\n", "hosts.yaml:3:15: a value cannot begin"},
		"two documents":    {good + "---\n" + good, "2 YAML documents"},
		"host twice":       {good + "  a: {}\n", "hosts.yaml:3:3: "},
		"key twice":        {with("address: i"), "address"},
		"anchor":           {"hosts:\n  a: &x {address: h}\n", "anchors are not supported"},
		"merge key":        {"defaults: {user: u}\nhosts:\n  a:\n    <<: {user: v}\n", "put what all hosts share under defaults"},
		"bad id":           {strings.Replace(good, "  a:", "  a/b:", 1), "hosts.yaml:2:3: host a/b: an id has up to 63"},
		"no address":       {strings.Replace(good, "address: h, ", "", 1), "hosts.yaml:2:3: host a: address is missing"},
		"address and port": {strings.Replace(good, "address: h", "address: 'h:22'", 1), "user and port have their own keys"},
		"IPv4 and port":    {strings.Replace(good, "address: h", "address: 127.0.0.1:2230", 1), "hosts.yaml:2:7: host a: \"127.0.0.1:2230\" is not a name or IP address: user and port have their own keys, write address: 127.0.0.1 and port: 2230"},
		"IPv6 and port":    {strings.Replace(good, "address: h", "address: '[2001:db8::1]:2230'", 1), "write address: 2001:db8::1 and port: 2230"},
		"name and port":    {strings.Replace(good, "address: h", "address: 'h:22'", 1), "write address: h and port: 22"},
		"colons alone":     {strings.Replace(good, "address: h", "address: '1:2:3'", 1), "is not a name or IP address"},
		"address and user": {strings.Replace(good, "address: h", "address: me@h", 1), "is not a name or IP address"},
		"no user":          {strings.Replace(good, "user: u, ", "", 1), "user is missing"},
		"no credential":    {strings.Replace(good, "key_file: /k, ", "", 1), "no login method"},
		"no host key":      {strings.Replace(good, ", host_key: "+pinned, "", 1), "ssh-keyscan -p 22 h"},
		"host key junk":    {strings.Replace(good, pinned, "ssh-ed25519 AAAA", 1), "host_key is not a public key"},
		"host key line":    {strings.Replace(good, pinned, "h "+pinned, 1), "remove the host name"},
		"host key marker":  {strings.Replace(good, pinned, "'@cert-authority "+pinned+"'", 1), `write "cert-authority ssh-ed25519 AAAA…"`},
		"host key is cert": {strings.Replace(good, pinned, certificate, 1), "host_key is a certificate"},
		"certificate only": {strings.Replace(good, "key_file: /k", "password: p, certificate_file: /c", 1), "certificate_file is given without its key"},
		"no roots":         {strings.Replace(good, "roots: [/r], ", "", 1), "roots is missing"},
		"root relative":    {strings.Replace(good, "/r]", "r]", 1), `the root "r" is not absolute`},
		"root in staging":  {strings.Replace(good, "/r]", "/r/.x.sftpgate]", 1), "is in a staging directory"},
		"root twice":       {strings.Replace(good, "/r]", "/r, /r/]", 1), "given twice"},
		"roots no list":    {strings.Replace(good, "[/r]", "/r", 1), "roots: must be a list"},
		"port":             {with("port: 0"), "port: must be a whole number from 1 to 65535"},
		"port text":        {with("port: ssh"), "hosts.yaml:2:25: port: must be a whole number"},
		"connections":      {with("connections: 65"), "from 1 to 64"},
		"engine":           {with("engine: rsync"), `"rsync" is not an engine: use one of auto, shell, copy-data, stream`},
		"mode":             {with("mode: 0888"), "octal"},
		"mode suid":        {with("mode: 4755"), "up to 0777"},
		"agent":            {with("agent: 1"), "must be true or false"},
		"passphrase alone": {strings.Replace(good, "key_file: /k", "agent: true, passphrase: 'env:P'", 1), "given without key_file"},
		"empty value":      {with("label: "), "is empty"},
		"nested value":     {with("label: {a: b}"), "must be a single value"},
		"jump unknown":     {with("jump: b"), `host a: jump names "b", which is not a host in this file`},
		"jump itself":      {with("jump: a"), "is reached through itself"},
		"jump cycle": {with("jump: b") + "  b: {address: i, user: u, agent: true, jump: a, host_key: " + pinned + "}\n",
			"host b: is reached through itself"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := hosts.Parse("hosts.yaml", []byte(c.text))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v\nwant %s", err, c.want)
			}
			if !strings.HasPrefix(err.Error(), "hosts.yaml:") {
				t.Fatalf("no place in %v", err)
			}
		})
	}
}

func TestAllFaultsAtOnce(t *testing.T) {
	_, err := hosts.Parse("h", []byte("hosts:\n  a: {address: h}\n  b: {address: i, roots: [x]}\n"))
	if err == nil || strings.Count(err.Error(), "\n") < 6 {
		t.Fatalf("not every fault is told: %v", err)
	}
}

func TestNewSet(t *testing.T) {
	h := hosts.Host{ID: "a", Address: "127.0.0.1", User: "u", Agent: true, HostKey: pinned, Roots: []string{"/r/"}}
	set, err := hosts.NewSet(h)
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := set.Get("a"); got.Port != 22 || got.Roots[0] != "/r" || h.Roots[0] != "/r/" {
		t.Errorf("%+v", got)
	}
	if _, err := hosts.NewSet(h, h); err == nil || !strings.Contains(err.Error(), "given twice") {
		t.Errorf("two hosts of one id: %v", err)
	}
	if _, err := hosts.NewSet(); err == nil {
		t.Error("a set without a host")
	}
}

func TestLoadRefusesSecretsThatOthersCanRead(t *testing.T) {
	text := "hosts:\n  a: {address: h, user: u, password: %, roots: [/r], host_key: " + pinned + "}\n"
	for _, c := range []struct {
		secret string
		mode   os.FileMode
		ok     bool
	}{{"hunter2", 0o600, true}, {"hunter2", 0o640, false}, {"hunter2", 0o604, false}, {"'env:X'", 0o644, true}, {"'file:/x'", 0o644, true}} {
		path := filepath.Join(t.TempDir(), "hosts.yaml")
		if err := os.WriteFile(path, []byte(strings.Replace(text, "%", c.secret, 1)), c.mode); err != nil {
			t.Fatal(err)
		}
		_, err := hosts.Load(path)
		if (err == nil) != c.ok {
			t.Errorf("%s in a file of mode %o: %v", c.secret, c.mode, err)
		}
		if err != nil && (strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "chmod 600")) {
			t.Errorf("%v", err)
		}
	}
	if _, err := hosts.Load(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a missing file was loaded")
	}
}
