package registry

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"sftpgate/gateway"
)

// errOtherRelease marks what a release after this one has written: it is not guessed
// at, and not replaced.
var errOtherRelease = errors.New("run one release on all gateways")

// strange reports whether err says that a value is none of ours: of another kind,
// damaged, another thing's. Such a value counts as none, and is replaced: what belongs
// there is found again on the hosts.
func strange(err error) bool { return err != nil && !errors.Is(err, errOtherRelease) }

// strangers are the values that were found and are none of ours, told once each.
type strangers struct {
	log   *slog.Logger
	where string

	mu   sync.Mutex
	told map[string]bool
}

// mostTold bounds what is remembered; what comes after is not told.
const mostTold = 1000

func (s *strangers) note(key string, why error) {
	s.mu.Lock()
	again := s.told[key] || len(s.told) >= mostTold
	if !again {
		if s.told == nil {
			s.told = map[string]bool{}
		}
		s.told[key] = true
	}
	s.mu.Unlock()
	if !again {
		s.log.Warn("ignoring a foreign value in the registry; it is rewritten from the host's records: check what else writes there",
			"registry", s.where, "key", key, "error", why)
	}
}

// read is the answer to a look-up of an upload that gave value, nil for none, or err.
func (s *strangers) read(id string, value []byte, err error) (gateway.Entry, bool, error) {
	if err != nil {
		return gateway.Entry{}, false, fmt.Errorf("looking up an upload: %w", err)
	}
	if value == nil {
		return gateway.Entry{}, false, nil
	}
	e, err := decodeEntryOf(id, value)
	if strange(err) {
		s.note(name(id, "upload"), err)
		return gateway.Entry{}, false, nil
	}
	return e, err == nil, err
}

// readAlias is the same for the id that stands under an alias; "" for none.
func (s *strangers) readAlias(alias string, value []byte, err error) (id string, _ error) {
	if err != nil {
		return "", fmt.Errorf("looking up an upload: %w", err)
	}
	if value == nil {
		return "", nil
	}
	if id, err = decodeAlias(value); err == nil && id == "" {
		err = errors.New("the stored alias is damaged: it names no upload")
	}
	if strange(err) {
		s.note(name(hash(alias), "alias"), err)
		return "", nil
	}
	return id, err
}

// decodeEntryOf reads the entry of the upload id, and of no other.
func decodeEntryOf(id string, value []byte) (gateway.Entry, error) {
	e, err := decodeEntry(value)
	if err == nil && e.Upload.ID != id {
		err = fmt.Errorf("the stored entry of an upload is damaged: it is of upload %q", e.Upload.ID)
	}
	return e, err
}
