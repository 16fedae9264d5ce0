package tus

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"path"
	"strings"

	"sftpgate/gateway"
	"sftpgate/gateway/access"
	"sftpgate/gateway/dialect"
	"sftpgate/gateway/web"
)

// concatNote stands in an upload's note between the client's metadata and the URLs of
// its parts: HEAD gives both back.
const concatNote = "\n"

// maxParts bounds how many parts a file may have.
const maxParts = 1000

func isFinal(u gateway.Upload) bool { return strings.Contains(u.Note, concatNote) }

// parseParts reads the URLs, absolute or not, of the parts of a final upload.
func parseParts(r *http.Request, urls string) ([]resource, error) {
	var parts []resource
	for text := range strings.FieldsSeq(urls) {
		u, err := url.Parse(text)
		if err != nil {
			return nil, invalid("Upload-Concat names a part with an invalid URL")
		}
		below, ok := strings.CutPrefix(u.Path, web.Prefix(r)+"/tus/")
		if !ok {
			return nil, invalid("Upload-Concat names a part that is not on this gateway: %s", web.Inert(u.Path))
		}
		x, err := parseResource(below)
		if err != nil || !x.partial() {
			return nil, invalid("Upload-Concat names %s, which is not a partial upload", web.Inert(u.Path))
		}
		parts = append(parts, x)
	}
	if len(parts) == 0 || len(parts) > maxParts {
		return nil, invalid("Upload-Concat must name between 1 and %d parts, not %d", maxParts, len(parts))
	}
	return parts, nil
}

// concatenate makes a file of its parts. They are not copied: the file's upload adopts
// them where they lie. The same request again, after an answer that was lost, has the
// same result.
func (h handler) concatenate(w http.ResponseWriter, r *http.Request, c access.Caller, n creation) error {
	file := dialect.File{Path: n.file, ID: partsID(n.final), Once: true, Size: -1, MakeDirs: n.dirs}
	u, err := h.gate.Find(r.Context(), c, n.Host, path.Dir(n.file), file.ID)
	if err != nil || u.State == gateway.Cancelled {
		u, err = h.adopt(r, c, n, file)
	}
	if err != nil {
		return err
	}
	if u, err = h.gate.Finish(r.Context(), c, u.ID, gateway.FinishRequest{Size: -1}); err != nil {
		return err
	}
	w.Header().Set("Location", resourceOf(u, n.Place, n.file).location(r))
	w.WriteHeader(http.StatusCreated)
	return nil
}

func (h handler) adopt(r *http.Request, c access.Caller, n creation, f dialect.File) (gateway.Upload, error) {
	var ids []string
	for _, part := range n.final {
		if _, err := h.stands(r, c, part, h.gate.Resume); err != nil { // and what the registry has lost is known again
			return gateway.Upload{}, err
		}
		ids = append(ids, part.id)
	}
	o := n.Options
	o.MakeDirs = o.MakeDirs || f.MakeDirs
	_, urls, _ := strings.Cut(r.Header.Get("Upload-Concat"), ";")
	opened, err := h.gate.Open(r.Context(), c, gateway.OpenRequest{Host: n.Host, Path: f.Path, Options: o, Size: -1,
		Fingerprint: f.ID, ClientID: f.ID, Adopt: ids, Note: n.raw + concatNote + urls, Restart: true})
	return opened.Upload, err
}

// partsID is an id of the file that those parts make.
func partsID(parts []resource) string {
	sum := sha256.New()
	for _, x := range parts {
		sum.Write([]byte(x.id + "\x00"))
	}
	return "tus-final:" + hex.EncodeToString(sum.Sum(nil))
}
