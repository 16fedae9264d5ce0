package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
)

// Hosts lists the hosts that the caller may use.
func (c *Client) Hosts(ctx context.Context) (all []Host, err error) {
	for cursor := ""; ; {
		var page struct {
			Hosts []Host `json:"hosts"`
			Next  string `json:"next"`
		}
		if _, err := c.ask(ctx, jsonCall(http.MethodGet, paged("/v1/hosts", cursor, nil), nil), &page); err != nil {
			return nil, err
		}
		all = append(all, page.Hosts...)
		if cursor = page.Next; cursor == "" {
			return all, nil
		}
	}
}

// Entries lists a directory on a host.
func (c *Client) Entries(ctx context.Context, host, dir string) ([]Entry, error) {
	var answer struct {
		Entries []Entry `json:"entries"`
	}
	_, err := c.ask(ctx, jsonCall(http.MethodGet, "/v1/hosts/"+url.PathEscape(host)+"/entries?"+url.Values{"dir": {dir}}.Encode(), nil), &answer)
	return answer.Entries, err
}

// Uploads lists the caller's uploads, unfinished ones first; with all set, also
// everybody else's that have not ended.
func (c *Client) Uploads(ctx context.Context, everybody bool) (all []Upload, err error) {
	query := url.Values{}
	if everybody {
		query.Set("all", "1")
	}
	for cursor := ""; ; {
		var page struct {
			Uploads []Upload `json:"uploads"`
			Next    string   `json:"next"`
		}
		if _, err := c.ask(ctx, jsonCall(http.MethodGet, paged("/v1/uploads", cursor, query), nil), &page); err != nil {
			return nil, err
		}
		all = append(all, page.Uploads...)
		if cursor = page.Next; cursor == "" {
			return all, nil
		}
	}
}

func paged(path, cursor string, query url.Values) string {
	q := url.Values{}
	for name, values := range query {
		q[name] = values
	}
	if cursor != "" {
		q.Set("cursor", cursor)
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

// uploadCall is a call to an upload that is there.
func uploadCall(method, id, rest string, v any) call {
	r := jsonCall(method, "/v1/uploads/"+url.PathEscape(id)+rest, v)
	r.upload = id
	return r
}

// Upload shows one upload, with what is received.
func (c *Client) Upload(ctx context.Context, id string) (u Upload, err error) {
	_, err = c.ask(ctx, uploadCall(http.MethodGet, id, "", nil), &u)
	return u, err
}

// Open opens an upload, or resumes the caller's own of the same file.
func (c *Client) Open(ctx context.Context, r OpenRequest) (u Upload, resumed bool, err error) {
	var text json.RawMessage
	status, err := c.ask(ctx, jsonCall(http.MethodPost, "/v1/uploads", r), &text)
	if err != nil {
		return u, false, err
	}
	var secret struct{ Token string }
	if err := json.Unmarshal(text, &u); err != nil {
		return u, false, err
	}
	if json.Unmarshal(text, &secret) == nil {
		u.Token = secret.Token
	}
	c.keepToken(u)
	return u, status == http.StatusOK, nil
}

// Finish has an upload merged, checked and published, which goes on after the answer.
func (c *Client) Finish(ctx context.Context, id string, r FinishRequest) (u Upload, err error) {
	var body any
	if r != (FinishRequest{}) {
		body = r
	}
	_, err = c.ask(ctx, uploadCall(http.MethodPost, id, "/merge", body), &u)
	return u, err
}

// Cancel gives an upload up: nothing of it is left on the host.
func (c *Client) Cancel(ctx context.Context, id string) error {
	_, err := c.ask(ctx, uploadCall(http.MethodDelete, id, "", nil), nil)
	return err
}

// fileURL is where a whole file for this path is put.
func fileURL(host, path string, query url.Values) string {
	to := "/v1/hosts/" + url.PathEscape(host) + "/files/" + strings.TrimPrefix((&url.URL{Path: path}).EscapedPath(), "/")
	if len(query) > 0 {
		to += "?" + query.Encode()
	}
	return to
}
