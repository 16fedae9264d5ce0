package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"sftpgate/gateway"
	"sftpgate/gateway/web"
)

type api struct {
	service Service
}

// Routes adds the API's routes to m, which stands behind a web.Front.
func Routes(m *web.Mux, s Service) {
	a := api{service: s}
	user := func(pattern string, h web.UserFunc) { m.Handle(pattern, h) }

	user("GET /v1/me", a.showCaller)
	user("GET /v1/hosts", a.listHosts)
	user("GET /v1/hosts/{host}", a.getHost)
	user("GET /v1/hosts/{host}/entries", a.listEntries)
	user("PUT /v1/hosts/{host}/files/{path...}", a.putFile)

	user("POST /v1/uploads", a.open)
	user("GET /v1/uploads", a.listUploads)
	user("GET /v1/uploads/{id}", a.getUpload)
	user("DELETE /v1/uploads/{id}", a.cancel)
	user("PUT /v1/uploads/{id}/chunks/{index}", a.putChunk)
	user("PUT /v1/uploads/{id}/data", a.putData)
	user("POST /v1/uploads/{id}/merge", a.merge)
	user("POST /v1/uploads/{id}/takeover", a.takeover)
	user("GET /v1/uploads/{id}/events", a.events)

	m.Handle("GET /healthz", web.HandlerFunc(a.healthz))
	m.Handle("GET /readyz", web.HandlerFunc(a.readyz))
	m.Handle("GET /openapi.yaml", web.HandlerFunc(a.describe))
}

// healthz says that the process answers; it asks nobody.
func (a api) healthz(w http.ResponseWriter, r *http.Request) error {
	return web.Reply(w, r, http.StatusOK, status{"ok"})
}

// readyTimeout bounds what a readiness probe waits for: probes give up soon.
const readyTimeout = 3 * time.Second

func (a api) readyz(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
	defer cancel()
	if err := a.service.Ready(ctx); err != nil {
		if gateway.CodeOf(err) == "" && ctx.Err() != nil {
			err = &gateway.Error{Code: gateway.RegistryUnavailable, Err: err, Detail: fmt.Sprintf("the registry of uploads did not answer within %v", readyTimeout)}
		}
		return err
	}
	return web.Reply(w, r, http.StatusOK, status{"ready"})
}

type status struct {
	Status string `json:"status"`
}
