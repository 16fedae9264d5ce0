package api

import (
	"net/http"
	"slices"
	"time"

	"sftpgate/gateway"
	"sftpgate/gateway/access"
	"sftpgate/gateway/web"
)

// callerView is who asks, and what the ticket allows; what is left out is not bounded.
type callerView struct {
	User       string             `json:"user"`
	Admin      bool               `json:"admin"`
	ExpiresAt  *time.Time         `json:"expires_at,omitempty"`
	Hosts      []string           `json:"hosts,omitempty"`
	Paths      []string           `json:"paths,omitempty"`
	Operations []access.Operation `json:"operations"`
	MaxSize    int64              `json:"max_size,omitempty"`
}

// showCaller tells callers who they are here, so that a page offers only what they may do.
func (a api) showCaller(w http.ResponseWriter, r *http.Request, c access.Caller) error {
	if _, err := readQuery(r); err != nil {
		return err
	}
	if err := gateway.CheckUnbound(c); err != nil {
		return err
	}
	return web.Reply(w, r, http.StatusOK, viewCaller(c))
}

func viewCaller(c access.Caller) callerView {
	v := callerView{User: c.User, Admin: c.Admin}
	if !c.Expires.IsZero() {
		end := c.Expires.UTC().Truncate(time.Second)
		v.ExpiresAt = &end
	}
	for _, op := range access.AllOperations {
		if op != access.OpTakeOver || c.Admin {
			v.Operations = append(v.Operations, op)
		}
	}
	if c.Scope == nil {
		return v
	}
	v.Operations, v.Paths, v.MaxSize = list(c.Scope.Operations), c.Scope.Paths, c.Scope.MaxSize
	if !slices.Contains(c.Scope.Hosts, access.AnyHost) {
		v.Hosts = c.Scope.Hosts
	}
	return v
}
