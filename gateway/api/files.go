package api

import (
	"net/http"
	"strings"

	"sftpgate/gateway"
	"sftpgate/gateway/access"
	"sftpgate/gateway/web"
)

// putFile takes a whole file in one request, as curl -T sends it.
func (a api) putFile(w http.ResponseWriter, r *http.Request, c access.Caller) error {
	request, err := putRequest(r)
	if err != nil {
		return err
	}
	result, err := a.service.PutFile(r.Context(), c, request)
	if err != nil {
		return err
	}
	status := http.StatusCreated
	if result.Replaced {
		status = http.StatusOK
	}
	if result.ETag != "" {
		w.Header().Set("ETag", result.ETag) // what If-Match takes
	}
	return web.Reply(w, r, status, withoutReceived(result.Upload))
}

func putRequest(r *http.Request) (gateway.PutRequest, error) {
	p := gateway.PutRequest{Host: r.PathValue("host"),
		// The component after files/ is the first below the host's own root directory.
		Path: "/" + r.PathValue("path"), Size: r.ContentLength, R: r.Body}
	q, err := readQuery(r, "if_exists", "make_dirs", "mode", "owner", "group", "mtime", "restart")
	if err != nil {
		return p, err
	}
	if r.Header.Get("Content-Range") != "" {
		// RFC 9110 §14.5: a part must not be taken for the whole.
		return p, invalid("this call accepts whole files; send ranges to /v1/uploads/{id}/data")
	}
	if err := web.CheckRaw(r); err != nil {
		return p, err
	}
	if p.IfExists, p.IfMatch, err = preconditions(r.Header, q.text("if_exists")); err != nil {
		return p, err
	}
	if p.MakeDirs, err = q.flag("make_dirs"); err != nil {
		return p, err
	}
	if p.Restart, err = q.flag("restart"); err != nil {
		return p, err
	}
	if p.Mode, err = web.ParseMode(q.text("mode")); err != nil {
		return p, err
	}
	if p.MTime, err = parseTime("mtime", q.text("mtime")); err != nil {
		return p, err
	}
	p.Owner, p.Group = q.text("owner"), q.text("group")
	p.Digest, err = fileDigest(r.Header)
	return p, err
}

// preconditions reads If-None-Match: * (the file must not exist) and If-Match
// (it may be replaced if it is this one), and ?if_exists= beside them.
func preconditions(h http.Header, ifExists string) (gateway.IfExists, string, error) {
	match, err := etag(h)
	if err != nil {
		return "", "", err
	}
	none := h.Values("If-None-Match")
	if len(none) > 0 {
		if len(none) > 1 || strings.TrimSpace(none[0]) != "*" {
			return "", "", invalid(`If-None-Match must be "*" here: the file must not exist`)
		}
		if ifExists == string(gateway.ReplaceIfExists) || match != "" {
			return "", "", invalid("If-None-Match: * contradicts if_exists=replace and If-Match; send one of them")
		}
		ifExists = string(gateway.FailIfExists)
	}
	exists, err := web.ParseIfExists(ifExists, match)
	return exists, match, err
}

// etag is the one entity tag in If-Match, "" when there is none.
func etag(h http.Header) (string, error) {
	values := h.Values("If-Match")
	if len(values) == 0 {
		return "", nil
	}
	tag := strings.TrimSpace(values[0])
	if len(values) > 1 || len(tag) < 2 || tag[0] != '"' || strings.IndexByte(tag[1:], '"') != len(tag)-2 {
		return "", invalid(`If-Match must be the one etag, in quotes, that the gateway gave for the file`)
	}
	return tag, nil
}

// fileDigest reads Repr-Digest or Content-Digest; of a whole, unencoded file they are the same.
func fileDigest(h http.Header) (*gateway.Digest, error) {
	content, err := web.DigestHeader(h, "Content-Digest")
	if err != nil {
		return nil, err
	}
	repr, err := web.DigestHeader(h, "Repr-Digest")
	if err != nil {
		return nil, err
	}
	switch {
	case repr == nil:
		return content, nil
	case content != nil && *content != *repr:
		return nil, invalid("Content-Digest and Repr-Digest differ; for a whole file they must be the same")
	}
	return repr, nil
}
