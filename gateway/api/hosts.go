package api

import (
	"net/http"
	"time"

	"sftpgate/gateway"
	"sftpgate/gateway/access"
	"sftpgate/gateway/web"
)

type hostView struct {
	ID     string   `json:"id"`
	Label  string   `json:"label"`
	Tags   []string `json:"tags"`
	Roots  []string `json:"roots"`
	State  string   `json:"state"`
	Reason string   `json:"reason,omitempty"`
	Engine string   `json:"engine"`
	// EngineReason says why it is that one and why not the others, or why there is none.
	EngineReason string `json:"engine_reason,omitempty"`
	Durability   string `json:"durability"`
	// FreeBytes and LatencyMS are null while they are not known.
	FreeBytes *int64            `json:"free_bytes"`
	LatencyMS *float64          `json:"latency_ms"`
	Can       []string          `json:"can,omitempty"`
	Cannot    map[string]string `json:"cannot,omitempty"`
}

func viewHost(h gateway.HostView) hostView {
	v := hostView{ID: h.ID, Label: h.Label, Tags: list(h.Tags), Roots: list(h.Roots), State: h.State,
		Reason: h.Reason, Engine: h.Engine, EngineReason: h.EngineReason, Durability: h.Durability, Can: h.Can, Cannot: h.Cannot}
	if h.Free >= 0 {
		v.FreeBytes = &h.Free
	}
	if h.Latency > 0 {
		ms := float64(h.Latency.Round(10*time.Microsecond)) / float64(time.Millisecond)
		v.LatencyMS = &ms
	}
	return v
}

// list is s as JSON shows it best: an empty list is [], not null.
func list[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

func (a api) listHosts(w http.ResponseWriter, r *http.Request, c access.Caller) error {
	q, err := readQuery(r, "limit", "cursor")
	if err != nil {
		return err
	}
	asked, err := q.paging()
	if err != nil {
		return err
	}
	all, err := a.service.Hosts(r.Context(), c)
	if err != nil {
		return err
	}
	hosts, next, err := asked.ofHosts(all)
	if err != nil {
		return err
	}
	answer := struct {
		Hosts []hostView `json:"hosts"`
		Next  string     `json:"next,omitempty"`
	}{make([]hostView, 0, len(hosts)), next}
	for _, h := range hosts {
		answer.Hosts = append(answer.Hosts, viewHost(h))
	}
	return web.Reply(w, r, http.StatusOK, answer)
}

func (a api) getHost(w http.ResponseWriter, r *http.Request, c access.Caller) error {
	if _, err := readQuery(r); err != nil {
		return err
	}
	h, err := a.service.Host(r.Context(), c, r.PathValue("host"))
	if err != nil {
		return err
	}
	return web.Reply(w, r, http.StatusOK, viewHost(h))
}

type entryView struct {
	Name  string    `json:"name"`
	Type  string    `json:"type"`
	Size  int64     `json:"size"`
	MTime time.Time `json:"mtime"`
}

func (a api) listEntries(w http.ResponseWriter, r *http.Request, c access.Caller) error {
	q, err := readQuery(r, "dir")
	if err != nil {
		return err
	}
	dir := q.text("dir")
	if dir == "" {
		return invalid("dir is missing: send ?dir= with an absolute path; GET /v1/hosts/{host} lists the roots")
	}
	e, err := a.service.Entries(r.Context(), c, r.PathValue("host"), dir)
	if err != nil {
		return err
	}
	answer := struct {
		Host    string      `json:"host"`
		Dir     string      `json:"dir"`
		Entries []entryView `json:"entries"`
	}{e.Host, e.Dir, make([]entryView, 0, len(e.Entries))}
	for _, d := range e.Entries {
		answer.Entries = append(answer.Entries, entryView{d.Name, d.Type, d.Size, d.MTime.UTC()})
	}
	return web.Reply(w, r, http.StatusOK, answer)
}
