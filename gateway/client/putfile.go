package client

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"time"
)

// SmallFile is up to which size a file is better sent in one request: six round trips
// instead of fifteen.
const SmallFile = 4 << 20

// PutFile sends a whole file in one request. Repeated with the same bytes it succeeds
// without a second file, for a day.
func (c *Client) PutFile(ctx context.Context, host, path string, content []byte, a Attributes, pace Pace, moved func(int64)) (u Upload, err error) {
	query, header := a.inRequest()
	header["Content-Digest"] = DigestOf(content)
	header["Content-Type"] = "application/octet-stream"
	r := call{method: http.MethodPut, path: fileURL(host, path, query), header: header, size: int64(len(content)), moved: moved,
		body: func() io.Reader { return pace.reader(ctx, bytes.NewReader(content)) }}
	_, err = c.ask(ctx, r, &u)
	return u, err
}

// inRequest gives the attributes as the parameters of a request that has no JSON.
func (a Attributes) inRequest() (url.Values, map[string]string) {
	query, header := url.Values{}, map[string]string{}
	set := func(name, value string) {
		if value != "" {
			query.Set(name, value)
		}
	}
	set("if_exists", a.IfExists)
	set("mode", a.Mode)
	if a.MTime != nil {
		query.Set("mtime", a.MTime.UTC().Format(time.RFC3339))
	}
	if a.MakeDirs {
		query.Set("make_dirs", "1")
	}
	if a.Restart {
		query.Set("restart", "1")
	}
	if a.IfMatch != "" {
		header["If-Match"] = a.IfMatch
	}
	return query, header
}
