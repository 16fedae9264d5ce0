package tus

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"sftpgate/gateway"
	"sftpgate/gateway/access"
	"sftpgate/gateway/dialect"
	"sftpgate/gateway/web"
)

// What OPTIONS announces.
const (
	version    = "1.0.0"
	extensions = "creation,creation-with-upload,creation-defer-length,termination,checksum,expiration,concatenation"
)

// checksumMismatch is the protocol's own status.
const checksumMismatch = 460

// octets is the media type of a PATCH, and of a creation with bytes.
const octets = "application/offset+octet-stream"

const pattern = " /tus/{host}/{dir...}"

type handler struct{ gate dialect.Gate }

// Routes adds the protocol: creations at /tus/{host}/{dir}/, the uploads at
// /tus/{host}/{path of the target}/{id}.
func Routes(m *web.Mux, g dialect.Gate) {
	h := handler{g}
	for method, f := range map[string]web.UserFunc{http.MethodPost: h.create, http.MethodHead: h.head,
		http.MethodPatch: h.patch, http.MethodDelete: h.terminate} {
		m.Handle(method+pattern, h.route(f))
	}
	m.Handle(http.MethodOptions+pattern, web.HandlerFunc(h.options))
	m.Preset("/tus/", "Tus-Resumable", version)
}

// route refuses other versions of the protocol before anybody is asked who he is. X-HTTP-Method-Override counts for more
// than the method, for clients and proxies that know only POST.
func (h handler) route(f web.UserFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f := f
		if over := r.Header.Get("X-HTTP-Method-Override"); over != "" {
			r.Method = strings.ToUpper(over)
			meant, known := map[string]web.UserFunc{http.MethodPost: h.create, http.MethodHead: h.head, http.MethodPatch: h.patch,
				http.MethodDelete: h.terminate}[r.Method]
			if !known {
				meant = func(http.ResponseWriter, *http.Request, access.Caller) error {
					return gateway.Refuse(web.MethodNotAllowed, "X-HTTP-Method-Override %q is not supported", over)
				}
			}
			f = meant
		}
		if asked := r.Header.Get("Tus-Resumable"); asked != version {
			w.Header().Set("Tus-Version", version)
			_ = web.ReplyText(w, r, http.StatusPreconditionFailed, "this gateway speaks tus "+version+"; the request's Tus-Resumable is "+strconv.Quote(web.Inert(asked)))
			return
		}
		f.As(refuse).ServeHTTP(w, r)
	})
}

// options says what the protocol's clients may count on. It may be asked by anybody.
func (h handler) options(w http.ResponseWriter, r *http.Request) error {
	head := w.Header()
	head.Set("Tus-Version", version)
	head.Set("Tus-Extension", extensions)
	head.Set("Tus-Checksum-Algorithm", algorithms)
	if c, err := web.CallerOf(r); err == nil && c.Scope != nil && c.Scope.MaxSize > 0 {
		head.Set("Tus-Max-Size", strconv.FormatInt(c.Scope.MaxSize, 10))
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// refuse writes the sentence, which tus clients show, under a status by which they
// do what helps: tus-js-client tries a request again after 409, 423 and 5xx, and takes
// any other failure of HEAD for the order to send the file from the beginning.
func refuse(w http.ResponseWriter, r *http.Request, p web.Problem) {
	status := p.Status
	switch {
	case p.Code == gateway.DifferentFile && r.Method != http.MethodPost:
		status = http.StatusGone
	case p.Code == gateway.DigestMismatch:
		status = checksumMismatch
	case r.Method == http.MethodHead && !dialect.Permanent(p) && p.Code != gateway.UnknownUpload:
		status = http.StatusLocked
	case r.Method != http.MethodHead && (p.Code == gateway.NoSpace || p.Code == gateway.Quota):
		status = http.StatusRequestEntityTooLarge
	case r.Method == http.MethodPost && p.Code == gateway.OwnedByAnother:
		status = http.StatusForbidden
	case r.Method != http.MethodPatch && slices.Contains([]int{http.StatusConflict, http.StatusLocked}, status):
		status = http.StatusPreconditionFailed
	}
	_ = web.ReplyText(w, r, status, p.Detail)
}
