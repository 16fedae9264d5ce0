package page

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	htmltemplate "html/template"
	"net/http"
	"strconv"
	"strings"
	"text/template"
	"time"

	"sftpgate/gateway"
	"sftpgate/gateway/web"
)

// Service is what the page shows.
type Service interface {
	// Hosts lists the hosts the caller may use as they were last known, without asking them.
	Hosts(ctx context.Context, c gateway.Caller) ([]gateway.HostView, error)
}

// Info is what the page says of the process.
type Info struct {
	// Version of the binary, "" when it is not known.
	Version string
	// Auth is the way users are told apart: none, header or jwt.
	Auth string
	// Demo says that the hosts are thrown away with the process.
	Demo bool
}

var (
	//go:embed page.html
	htmlText string
	//go:embed page.txt
	plainText string
	//go:embed page.css
	css []byte
	//go:embed icon.svg
	icon []byte

	funcs = map[string]any{"free": freeText, "latency": latencyText, "inert": web.Inert}
	html  = htmltemplate.Must(htmltemplate.New("page").Funcs(funcs).Parse(htmlText))
	plain = template.Must(template.New("page").Funcs(funcs).Parse(plainText))
)

type page struct {
	service Service
	info    Info
}

// Routes adds the page and its assets to m, which stands behind a web.Front.
func Routes(m *web.Mux, s Service, i Info) {
	p := page{service: s, info: i}
	m.Handle("GET /", web.HandlerFunc(p.show))
	m.Handle("GET /assets/page.css", asset("text/css; charset=utf-8", css))
	m.Handle("GET /assets/icon.svg", asset("image/svg+xml", icon))
}

// view is what the templates see.
type view struct {
	Info
	Base     string // the gateway's URL, without a final slash
	Prefix   string // the path in it
	User     string
	Hosts    []gateway.HostView
	Trouble  string // why no hosts are shown
	Commands []command
}

func (p page) show(w http.ResponseWriter, r *http.Request) error {
	v := view{Info: p.info, Base: web.BaseURL(r), Prefix: web.Prefix(r)}
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
	v.Commands = commands(v.Base, credential(v.Auth, v.User), v.Hosts)
	var b bytes.Buffer
	h := w.Header()
	h.Add("Vary", "Accept")
	if strings.Contains(r.Header.Get("Accept"), "text/html") {
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
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

func asset(contentType string, content []byte) http.Handler {
	return web.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
		h := w.Header()
		h.Set("Content-Type", contentType)
		h.Set("Cache-Control", "max-age=300")
		_, _ = w.Write(content)
		return nil
	})
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
