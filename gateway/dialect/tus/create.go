package tus

import (
	"cmp"
	"crypto/rand"
	"net/http"
	"path"
	"strings"

	"sftpgate/gateway"
	"sftpgate/gateway/access"
	"sftpgate/gateway/dialect"
	"sftpgate/gateway/web"
)

// creation is what a POST asks for.
type creation struct {
	dialect.Place
	size    int64 // -1: deferred
	raw     string
	file    string // path on the host; "" for a partial upload
	dirs    bool
	partial bool
	final   []resource // the parts of a final upload
}

func (h handler) create(w http.ResponseWriter, r *http.Request, c access.Caller) error {
	n, err := parseCreation(r)
	if err != nil {
		return err
	}
	if n.final != nil {
		return h.concatenate(w, r, c, n)
	}
	brings := r.ContentLength != 0
	if brings && r.Header.Get("Content-Type") != octets {
		return wrongType(w, r)
	}
	u, x, err := h.open(r, c, n)
	if err != nil {
		return err
	}
	w.Header().Set("Location", x.location(r))
	expires(w, u)
	offset := int64(0)
	if brings {
		if u, offset, err = h.receive(r, c, u, 0); err != nil {
			return err
		}
		u, offset = h.after(r, c, u, offset)
	}
	if !n.partial {
		if _, err = h.gate.Complete(r.Context(), c, u); err != nil {
			return err
		}
	}
	if brings {
		setOffset(w, offset)
	}
	w.WriteHeader(http.StatusCreated)
	return nil
}

// open begins the upload. tus gives a file no identity: each creation is another
// upload, for which the user's unfinished one at the same path is given up.
func (h handler) open(r *http.Request, c access.Caller, n creation) (gateway.Upload, resource, error) {
	if n.partial {
		u, err := h.gate.OpenUnnamed(r.Context(), c, n.Host, n.Dir, n.size)
		return u, resourceOf(u, n.Place, path.Join(n.Dir, u.ID)), err
	}
	o := n.Options
	o.MakeDirs = o.MakeDirs || n.dirs
	opened, err := h.gate.Open(r.Context(), c, gateway.OpenRequest{Host: n.Host, Path: n.file, Options: o, Size: n.size,
		Fingerprint: "tus:" + rand.Text(), Note: n.raw, Restart: true})
	return opened.Upload, resourceOf(opened.Upload, n.Place, n.file), err
}

func parseCreation(r *http.Request) (n creation, err error) {
	if n.Place, err = dialect.PlaceOf(r); err != nil {
		return n, err
	}
	n.raw = r.Header.Get("Upload-Metadata")
	meta, err := parseMetadata(n.raw)
	if err != nil {
		return n, err
	}
	concat := r.Header.Get("Upload-Concat")
	urls, final := strings.CutPrefix(concat, "final;")
	switch {
	case final:
		if r.Header.Get("Upload-Length") != "" || r.ContentLength > 0 {
			return n, invalid("a final upload has neither Upload-Length nor a body: its parts have both")
		}
		n.size = -1
		n.final, err = parseParts(r, urls)
	case concat == "partial":
		n.partial = true
		n.size, err = declaredSize(r)
	case concat == "":
		n.size, err = declaredSize(r)
	default:
		err = invalid(`Upload-Concat must be "partial" or "final;" with the parts' URLs`)
	}
	if err != nil || n.partial {
		return n, err
	}
	if below := meta.relativePath(); below != "" {
		n.file, n.dirs, err = n.Below(below)
	} else {
		n.file, err = n.Named(cmp.Or(meta["filename"], meta["name"], r.URL.Query().Get("name")))
	}
	return n, err
}

// declaredSize is Upload-Length, or -1 where it is deferred.
func declaredSize(r *http.Request) (int64, error) {
	deferred, length := r.Header.Get("Upload-Defer-Length"), r.Header.Get("Upload-Length")
	switch {
	case deferred == "1" && length == "":
		return -1, nil
	case deferred != "":
		return 0, invalid("Upload-Defer-Length must be 1, without Upload-Length")
	case length == "":
		return 0, invalid("the file's size is missing: send Upload-Length, or Upload-Defer-Length: 1 while it is unknown")
	}
	return dialect.HeaderNumber(r.Header, "Upload-Length")
}

func invalid(format string, args ...any) error {
	return gateway.Refuse(gateway.InvalidRequest, format, args...)
}

func wrongType(w http.ResponseWriter, r *http.Request) error {
	return web.ReplyText(w, r, http.StatusUnsupportedMediaType, "the Content-Type must be "+octets)
}
