package client

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Options say where the gateway is, and who is asking.
type Options struct {
	// URL is the gateway's, with its base path. User and password in it are sent as
	// basic authentication, for a proxy in front that asks for them.
	URL string
	// Ticket is sent as a bearer token, unless it is empty.
	Ticket string
	// Connections is how many connections are kept.
	Connections int
	// RetryFor is how long calls are tried again that may pass, while none succeeds; 0 is
	// not at all.
	RetryFor time.Duration
	// Waits, if there is one, is told before a pause what it is for.
	Waits func(err error, pause time.Duration)
	// Agent is the User-Agent.
	Agent string
}

// Client calls one gateway. It may be used by several goroutines at once.
type Client struct {
	options Options
	base    string
	http    *http.Client

	mu      sync.Mutex
	failing time.Time         // since when every call has failed; zero while they do not
	tokens  map[string]string // of uploads, by id: they continue one when the ticket has expired
	most    int64             // bytes in a body, once a larger one was refused; 0 while none was
}

// New gives a client; the gateway is not asked yet.
func New(o Options) (*Client, error) {
	u, err := url.Parse(o.URL)
	switch {
	case err != nil, u.Host == "" && strings.Contains(o.URL, "@"): // neither is shown: a password may be in it
		return nil, errors.New("the gateway's URL cannot be read: write it as https://gate.example.com")
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return nil, fmt.Errorf("%q is not a gateway's URL: write it as https://gate.example.com", u.Redacted())
	case u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("the gateway's URL %s must end with its path", u.Redacted())
	}
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = max(o.Connections, 2)
	t.DisableCompression = true
	t.WriteBufferSize = 64 << 10
	return &Client{options: o, base: strings.TrimRight(u.String(), "/"), tokens: map[string]string{},
		http: &http.Client{Transport: t, CheckRedirect: stay}}, nil
}

// stay follows no redirect: a body would be sent twice, a ticket to where it does not belong.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// Close ends the connections that are kept.
func (c *Client) Close() { c.http.CloseIdleConnections() }

func (c *Client) tokenOf(id string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tokens[id]
}

func (c *Client) keepToken(u Upload) {
	if u.Token != "" {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.tokens[u.ID] = u.Token
	}
}
