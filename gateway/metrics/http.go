package metrics

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"sftpgate/gateway"
	"sftpgate/gateway/access"
	"sftpgate/gateway/web"
)

// Observe counts a request; it is for web.Options.
func (m *Metrics) Observe(s web.Seen) {
	m.requests.WithLabelValues(methodOf(s.Method), routeOf(s.Route), strconv.Itoa(s.Status)).Inc()
	m.requestBytes.Add(float64(s.In))
	m.responseBytes.Add(float64(s.Out))
}

// methodOf keeps a client from making up methods, each of which would be kept.
func methodOf(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	}
	return "other"
}

// routeOf is the pattern's path, or "none" where no route took the request.
func routeOf(pattern string) string {
	if _, path, ok := strings.Cut(pattern, " "); ok {
		return path
	}
	if pattern == "" {
		return "none"
	}
	return pattern
}

// Routes adds GET /metrics to mux. It tells of every host, so it is for
// administrators, unless it is open to everybody who reaches mux.
func (m *Metrics) Routes(mux *web.Mux, open bool) {
	scrape := promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})
	if open {
		mux.Handle("GET /metrics", scrape)
		return
	}
	mux.Handle("GET /metrics", web.UserFunc(func(w http.ResponseWriter, r *http.Request, c access.Caller) error {
		if !c.Admin || c.Bound {
			return gateway.Refuse(gateway.Forbidden, "metrics are for administrators (--admin); for a scraper without a user, serve them with --metrics-listen")
		}
		scrape.ServeHTTP(w, r)
		return nil
	}))
}
