package dialect

import (
	"net/http"
	"net/url"
	"path"
	"strings"

	"sftpgate/gateway"
	"sftpgate/gateway/web"
)

// Place is where a request wants its file: a host, a directory on it, and what is
// wished for the published file. All of it stands in the URL, so that a refusal
// never waits for a body.
type Place struct {
	Host    string
	Dir     string // absolute
	Options gateway.Options
}

// PlaceOf reads the {host} and {dir...} of r's route and the options in its query:
// if_exists, if_match, mode, owner, group, make_dirs. Other parameters are the
// client's own.
func PlaceOf(r *http.Request) (Place, error) {
	p := Place{Host: r.PathValue("host"), Dir: "/" + strings.Trim(r.PathValue("dir"), "/")}
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil { // what cannot be read would be left out, and a file published without its mode
		return p, gateway.Refuse(gateway.InvalidRequest, "the query cannot be read: %w", err)
	}
	o := gateway.Options{Owner: q.Get("owner"), Group: q.Get("group"), IfMatch: q.Get("if_match")}
	if o.IfExists, err = web.ParseIfExists(q.Get("if_exists"), o.IfMatch); err != nil {
		return p, err
	}
	if o.Mode, err = web.ParseMode(q.Get("mode")); err != nil {
		return p, err
	}
	if q.Has("make_dirs") {
		o.MakeDirs, err = web.ParseFlag("make_dirs", q.Get("make_dirs"))
	}
	p.Options = o
	return p, err
}

// Named is the path of a file directly in the place. What else a name may be is
// decided where the path is resolved.
func (p Place) Named(name string) (string, error) {
	if name == "" {
		return "", gateway.Refuse(gateway.InvalidRequest, "the request has no file name")
	}
	if name == "." || name == ".." || strings.Contains(name, "/") {
		return "", gateway.Refuse(gateway.InvalidRequest, "%q is not a valid file name", name)
	}
	return path.Join(p.Dir, name), nil
}

// Below is the path of a file that may lie in directories below the place, as
// uploads of whole folders name it; then dirs says that they are to be made.
func (p Place) Below(relative string) (file string, dirs bool, err error) {
	below := strings.Split(strings.TrimPrefix(relative, "/"), "/")
	for _, name := range below {
		if _, err := p.Named(name); err != nil {
			return "", false, gateway.Refuse(gateway.InvalidRequest, "%q is not a valid file path below the upload's directory", relative)
		}
	}
	return path.Join(append([]string{p.Dir}, below...)...), len(below) > 1, nil
}

// CutVerb cuts what a request asks for, the last components of its path, off r's
// {dir...}, with or without a slash at the end. It refuses what is none of the verbs.
func CutVerb(r *http.Request, verbs ...string) (string, error) {
	dir := strings.TrimSuffix(r.PathValue("dir"), "/")
	for _, verb := range verbs {
		if rest, ok := strings.CutSuffix("/"+dir, "/"+verb); ok {
			r.SetPathValue("dir", rest)
			return verb, nil
		}
	}
	return "", gateway.Refuse(web.NotFound, "no such address: %s must end with /%s", r.Method, strings.Join(verbs, " or /"))
}
