package page

import (
	"net/url"
	"path"
	"strings"

	"sftpgate/gateway"
	"sftpgate/gateway/web"
)

// command is something to be pasted into a shell.
type command struct {
	Title string
	Text  string
}

// credential is what curl is to say of who asks, as it is written in a shell.
func credential(auth, user string) string {
	switch {
	case auth == "jwt":
		return ` -H "Authorization: Bearer $ticket"`
	case user != "" && user != web.Anonymous:
		// Where a proxy names the user it replaces this; without one it is the name.
		return " -H " + quote(web.UserHeader+": "+user)
	}
	return ""
}

// commands are lines that work against this very gateway and one of its hosts.
// Without a host there is nothing to show that would work.
func commands(base, credential string, hosts []gateway.HostView) []command {
	h, ok := example(hosts)
	if !ok {
		return nil
	}
	curl := "curl -sS" + credential
	dir := base + "/v1/hosts/" + url.PathEscape(h.ID) + "/files" + escapePath(h.Roots[0])
	return []command{
		{"The hosts and what they can do", curl + " " + quote(base+"/v1/hosts")},
		{"A file in one request", "printf 'hello\\n' | " + curl + " -T - " + quote(strings.TrimSuffix(dir, "/")+"/hello.txt?if_exists=replace")},
		{"A file in chunks, which may be interrupted anywhere and go on", inChunks(curl, base, h)},
	}
}

// example is a host to show things with: one that is not known to be down, if there is any.
func example(hosts []gateway.HostView) (gateway.HostView, bool) {
	best, found := gateway.HostView{}, false
	for _, h := range hosts {
		if len(h.Roots) == 0 {
			continue
		}
		if h.State != "down" {
			return h, true
		}
		if !found {
			best, found = h, true
		}
	}
	return best, found
}

// inChunks is the whole job: make a file, open, send three chunks, merge, look.
func inChunks(curl, base string, h gateway.HostView) string {
	body, err := web.JSON(struct {
		Host      string `json:"host"`
		Path      string `json:"path"`
		Size      int    `json:"size"`
		ChunkSize int    `json:"chunk_size"`
		IfExists  string `json:"if_exists"`
	}{h.ID, path.Join(h.Roots[0], "big.bin"), 20_000_000, 8 << 20, "replace"})
	if err != nil { // strings and numbers always encode
		return ""
	}
	uploads := quote(base + "/v1/uploads")
	return strings.Join([]string{
		"head -c 20000000 /dev/urandom > big.bin",
		`upload=$(` + curl + " --fail-with-body -d " + quote(strings.TrimSpace(string(body))) + " " + uploads + `) || echo "$upload"`,
		`id=$(echo "$upload" | sed -n 's/.*"id":"\([^"]*\)".*/\1/p')`,
		`[ -n "$id" ] && for i in 0 1 2; do dd if=big.bin bs=8388608 skip=$i count=1 2>/dev/null |`,
		"  " + curl + ` --fail-with-body -w " chunk $i: %{http_code}\n" -T - ` + uploads + `"/$id/chunks/$i" || { id=; break; }; done`,
		`[ -n "$id" ] && ` + curl + " --fail-with-body -X POST " + uploads + `"/$id/merge" &&`,
		"sleep 1 && " + curl + " " + uploads + `"/$id"`,
	}, "\n")
}

// quote makes s one word for a POSIX shell, whatever it holds.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

func escapePath(p string) string {
	parts := strings.Split(p, "/")
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return strings.Join(parts, "/")
}
