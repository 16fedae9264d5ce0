package page

import (
	"net/url"
	"path"
	"strconv"
	"strings"

	"sftpgate/gateway"
	"sftpgate/gateway/web"
)

// command is something to be pasted into a shell.
type command struct {
	Title string
	Text  string
}

// credential is what curl is to say of who asks, as it is written in a shell. Where the
// request was forwarded that is nothing: the proxy names the user itself, and refuses or
// replaces whoever does it for it.
func credential(auth, user string, forwarded bool) string {
	switch {
	case auth == "jwt":
		return ` -H "Authorization: Bearer $ticket"`
	case user != "" && user != web.Anonymous && !forwarded:
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
	curl := "curl -sS --fail-with-body" + credential
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

// The file that is sent in chunks to show how it is done.
const (
	exampleSize  = 20_000_000
	exampleChunk = 8 << 20
)

// inChunks is the whole job: make a file, open, send the chunks that are missing, merge,
// look. It stops at the first error; run again, it goes on.
func inChunks(curl, base string, h gateway.HostView) string {
	body, err := web.JSON(struct {
		Host      string `json:"host"`
		Path      string `json:"path"`
		Size      int    `json:"size"`
		ChunkSize int    `json:"chunk_size"`
		IfExists  string `json:"if_exists"`
	}{h.ID, path.Join(h.Roots[0], "big.bin"), exampleSize, exampleChunk, "replace"})
	if err != nil { // strings and numbers always encode
		return ""
	}
	return strings.NewReplacer("CURL", curl, "BODY", quote(strings.TrimSpace(string(body))), "UPLOADS", quote(base+"/v1/uploads"),
		"SIZE", strconv.Itoa(exampleSize), "CHUNK", strconv.Itoa(exampleChunk)).Replace(chunksScript)
}

// chunksScript is that of docs/api.md, for one file: "received" holds the ranges of bytes that are safe.
const chunksScript = `[ -e big.bin ] || head -c SIZE /dev/urandom > big.bin
send() (
  upload=$(CURL -d BODY UPLOADS) || { echo "$upload" >&2; exit 1; }
  id=$(echo "$upload" | sed -n 's/.*"id":"\([^"]*\)".*/\1/p')
  held=$(echo "$upload" | sed -n 's/.*"received":\[\(.*\)\],"received_bytes.*/\1/p' | sed 's/\],\[/ /g; s/[][]//g')
  i=0 from=0
  while [ $from -lt SIZE ]; do
    to=$((from + CHUNK)) there=
    [ $to -le SIZE ] || to=SIZE
    for range in $held; do
      if [ "${range%,*}" -le $from ] && [ "${range#*,}" -ge $to ]; then there=yes; fi
    done
    if [ ! $there ]; then
      dd if=big.bin bs=CHUNK skip=$i count=1 2>/dev/null |
        CURL -w " chunk $i: %{http_code}\n" -T - UPLOADS"/$id/chunks/$i" >&2 || exit 1
    fi
    i=$((i + 1)) from=$to
  done
  echo "$id"
)
id=$(send) && CURL -X POST UPLOADS"/$id/merge" &&
sleep 1 && CURL UPLOADS"/$id"`

// quote makes s one word for a POSIX shell, whatever it holds.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

func escapePath(p string) string {
	parts := strings.Split(p, "/")
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return strings.Join(parts, "/")
}
