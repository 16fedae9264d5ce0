package registry

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"sftpgate/gateway"
)

// version is the form of everything stored. A reader accepts this one and no
// other: a value of a later form is not guessed at.
const version = 1

// wireSlot is what every value in a slot begins with.
type wireSlot struct {
	V     int    `json:"v"`
	Token string `json:"token"`
}

type wireClaim struct {
	wireSlot
	ID         string    `json:"id"`
	User       string    `json:"user"`
	Host       string    `json:"host"`
	Path       string    `json:"path"`
	Generation int       `json:"generation"`
	Identity   string    `json:"identity"`
	Since      time.Time `json:"since"`
}

type wireAlias struct {
	V  int    `json:"v"`
	ID string `json:"id"`
}

func encodeClaim(c gateway.Claim) ([]byte, error) {
	if err := storable(c.Token, c.ID, c.User, c.Host, c.Path, c.Identity); err != nil {
		return nil, err
	}
	return json.Marshal(wireClaim{
		wireSlot: wireSlot{V: version, Token: c.Token},
		ID:       c.ID, User: c.User, Host: c.Host, Path: c.Path,
		Generation: c.Generation, Identity: c.Identity, Since: c.Since.UTC(),
	})
}

func decodeClaim(value []byte) (gateway.Claim, error) {
	var w wireClaim
	if err := decode("claim", value, &w, &w.V); err != nil {
		return gateway.Claim{}, err
	}
	if err := writable("claim", w.Since); err != nil {
		return gateway.Claim{}, err
	}
	return gateway.Claim{
		Token: w.Token, ID: w.ID, User: w.User, Host: w.Host, Path: w.Path,
		Generation: w.Generation, Identity: w.Identity, Since: w.Since,
	}, nil
}

func encodeLease(token string) ([]byte, error) {
	if err := storable(token); err != nil {
		return nil, err
	}
	return json.Marshal(wireSlot{V: version, Token: token})
}

func tokenOf(value []byte) (string, error) {
	var w wireSlot
	if err := decode("claim or lease", value, &w, &w.V); err != nil {
		return "", err
	}
	return w.Token, nil
}

func encodeAlias(id string) ([]byte, error) {
	return json.Marshal(wireAlias{V: version, ID: id})
}

func decodeAlias(value []byte) (string, error) {
	var w wireAlias
	err := decode("alias", value, &w, &w.V)
	return w.ID, err
}

// decode reads value into w, whose version is then at v.
func decode(what string, value []byte, w any, v *int) error {
	err := json.Unmarshal(value, w)
	if err != nil { // a later version may have another form
		var head struct{ V int }
		if json.Unmarshal(value, &head) != nil || head.V <= version {
			return fmt.Errorf("the stored %s is damaged: %w", what, err)
		}
		*v = head.V
	}
	switch {
	case *v > version:
		return fmt.Errorf("the stored %s has version %d and this sftpgate reads version %d: %w", what, *v, version, errOtherRelease)
	case *v < version:
		return fmt.Errorf("the stored %s is damaged: it has version %d", what, *v)
	}
	return nil
}

// storable refuses text that JSON would change: encoding/json turns each
// invalid byte into U+FFFD, and two different users would become the same one.
func storable(texts ...string) error {
	for _, s := range texts {
		if !utf8.ValidString(s) {
			return fmt.Errorf("%q is not valid UTF-8 and cannot be stored", strings.ToValidUTF8(s, "�"))
		}
	}
	return nil
}

// writable refuses an instant that JSON could not be made of again, because its
// year in UTC has not four digits (RFC 3339).
func writable(what string, instants ...time.Time) error {
	for _, at := range instants {
		if y := at.UTC().Year(); y < 0 || y > 9999 {
			return fmt.Errorf("the stored %s is damaged: the year %d", what, y)
		}
	}
	return nil
}
