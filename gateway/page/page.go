package page

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	htmltemplate "html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"time"

	"sftpgate/gateway"
	"sftpgate/gateway/access"
	"sftpgate/gateway/web"
)

// Service is what the page shows.
type Service interface {
	// Hosts lists the hosts the caller may use as they were last known, without asking them.
	Hosts(ctx context.Context, c access.Caller) ([]gateway.HostView, error)
}

// Info is what the page says of the process.
type Info struct {
	// Version of the binary, "" when it is not known.
	Version string
	// Auth is the way users are told apart: none, header or jwt.
	Auth string
	// Demo says that the hosts are thrown away with the process.
	Demo bool
	// Origins are the web sites whose pages may call the gateway; those that are named
	// may also embed the page and hand it a ticket.
	Origins []string
}

var (
	//go:embed app/page.html
	htmlText string
	//go:embed page.txt
	plainText string

	funcs = map[string]any{"free": freeText, "latency": latencyText, "inert": web.Inert}
	html  = htmltemplate.Must(htmltemplate.New("page").Funcs(funcs).Parse(htmlText))
	plain = template.Must(template.New("page").Funcs(funcs).Parse(plainText))
)

type page struct {
	service Service
	info    Info
	origins string // those that may embed the page and hand it a ticket
}

// Routes adds the page, its assets and the JavaScript client to m, which stands behind a
// web.Front.
func Routes(m *web.Mux, s Service, i Info) {
	p := page{service: s, info: i, origins: embedders(i.Origins)}
	m.Handle("GET /", web.HandlerFunc(p.show))
	for path, a := range assets {
		m.Handle("GET "+path, a)
	}
}

// embedders are the origins whose pages may show this one in a frame: those that are
// named. What anybody may embed could be laid under somebody's clicks.
func embedders(origins []string) string {
	return strings.Join(slices.DeleteFunc(slices.Clone(origins), func(o string) bool { return o == "*" || o == "null" }), " ")
}

// view is what the templates see.
type view struct {
	Info
	Base     string // the gateway's URL, without a final slash
	Prefix   string // the path in it
	Origins  string // who may hand the page a ticket, separated by spaces
	User     string
	Hosts    []gateway.HostView
	Trouble  string // why no hosts are shown
	Commands []command
}

func (p page) show(w http.ResponseWriter, r *http.Request) error {
	v := view{Info: p.info, Base: web.BaseURL(r), Prefix: web.Prefix(r), Origins: p.origins}
	c, err := web.CallerOf(r)
	if err == nil {
		v.User = c.User
		v.Hosts, err = p.service.Hosts(r.Context(), c)
	}
	if err != nil {
		// The page itself helps somebody who does not get in yet.
		problem := web.Explain(err)
		web.Remember(r, problem)
		v.Trouble = problem.Detail
	}
	v.Commands = commands(v.Base, credential(v.Auth, v.User, web.Forwarded(r)), v.Hosts)
	var b bytes.Buffer
	h := w.Header()
	h.Add("Vary", "Accept")
	if strings.Contains(r.Header.Get("Accept"), "text/html") {
		h.Set("Content-Type", "text/html; charset=utf-8")
		p.setPolicy(h)
		err = html.Execute(&b, v)
	} else {
		h.Set("Content-Type", "text/plain; charset=utf-8")
		err = plain.Execute(&b, v)
	}
	if err != nil {
		return fmt.Errorf("make the page: %w", err)
	}
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	_, _ = w.Write(b.Bytes())
	return nil
}

// setPolicy allows the page what it is made of, and the sites that may embed it to do so.
func (p page) setPolicy(h http.Header) {
	ancestors := "'none'"
	if p.origins != "" {
		ancestors = "'self' " + p.origins
		h.Del("X-Frame-Options") // it knows no list
	}
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; img-src 'self'; "+
		"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors "+ancestors)
}

// freeText shows a number of bytes for a person; "" while it is not known.
func freeText(n int64) string {
	if n < 0 {
		return ""
	}
	const units = "KMGTPE"
	if n < 1024 {
		return fmt.Sprintf("%d bytes free", n)
	}
	f, i := float64(n)/1024, 0
	for ; f >= 1024 && i < len(units)-1; i++ {
		f /= 1024
	}
	return fmt.Sprintf("%.1f %ciB free", f, units[i])
}

func latencyText(d time.Duration) string {
	if d <= 0 {
		return ""
	}
	return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
}
