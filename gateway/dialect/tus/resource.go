package tus

import (
	"context"
	"net/http"
	"net/url"
	"path"
	"strings"

	"sftpgate/gateway"
	"sftpgate/gateway/access"
	"sftpgate/gateway/dialect"
	"sftpgate/gateway/web"
)

// resource is what the URL of an upload says: where its target is, so that it is found
// where the registry has lost it, and which upload there it is. A partial upload has no
// target; its path ends in its id.
type resource struct {
	host, path, id string
}

func resourceOf(u gateway.Upload, at dialect.Place, file string) resource {
	return resource{host: at.Host, path: file, id: u.ID}
}

// location is the resource's URL path, as the client of r sees it.
func (x resource) location(r *http.Request) string {
	escaped := (&url.URL{Path: path.Join("/tus", x.host, x.path, x.id)}).EscapedPath()
	return web.ExternalPath(r, escaped)
}

// parseResource reads the path of a resource, host first.
func parseResource(text string) (resource, error) {
	host, rest, _ := strings.Cut(strings.Trim(text, "/"), "/")
	dir, id := path.Split(rest)
	if host == "" || id == "" || strings.Trim(dir, "/") == "" {
		return resource{}, gateway.Refuse(gateway.UnknownUpload, "no upload at this address: create uploads with POST")
	}
	return resource{host: host, path: "/" + strings.Trim(dir, "/"), id: id}, nil
}

// partial reports whether it is a part of a file, to be concatenated.
func (x resource) partial() bool { return path.Base(x.path) == x.id }

// resourceAt is what the request's URL names.
func resourceAt(r *http.Request) (resource, error) {
	return parseResource(r.PathValue("host") + "/" + r.PathValue("dir"))
}

// look is a way to find out how an upload stands: Resume or Recount.
type look func(ctx context.Context, c access.Caller, id string) (gateway.Upload, error)

// find returns the upload that the request's URL names, with Received.
func (h handler) find(r *http.Request, c access.Caller, by look) (resource, gateway.Upload, error) {
	x, err := resourceAt(r)
	if err != nil {
		return x, gateway.Upload{}, err
	}
	u, err := h.stands(r, c, x, by)
	return x, u, err
}

// stands is how the upload of a resource stands: as the registry knows it, and where
// that has lost it, as the host does.
func (h handler) stands(r *http.Request, c access.Caller, x resource, by look) (gateway.Upload, error) {
	u, err := by(r.Context(), c, x.id)
	if gateway.CodeOf(err) == gateway.UnknownUpload {
		u, err = h.onHost(r, c, x)
	}
	return u, err
}

// onHost finds it on the host. Where nothing of that path can be an upload, there is none.
func (h handler) onHost(r *http.Request, c access.Caller, x resource) (gateway.Upload, error) {
	u, err := h.gate.FindAt(r.Context(), c, x.host, x.path)
	switch code := gateway.CodeOf(err); {
	case code == gateway.NotAFile, code == gateway.NoSuchDirectory, code == gateway.InvalidRequest, err == nil && u.ID != x.id:
		return gateway.Upload{}, gateway.Refuse(gateway.UnknownUpload, "upload %s to %s no longer exists", x.id, x.path)
	}
	return u, err
}
