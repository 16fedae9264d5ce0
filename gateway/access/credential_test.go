package access_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"sftpgate/gateway/access"
)

// Records on hosts hold the hashes, and clients the tokens: neither may change.
func TestCredentialsOnRecord(t *testing.T) {
	t.Parallel()
	c := holder("alice", "ticket", access.OpRead, access.OpUpload, access.OpCancel)
	const token = "sgu_ruc_uj3NsNrzhgnt00ibjQgOK46Hbrwxw2yXZTmj_tBpLnk"
	if got := c.UploadToken("u1"); got != token {
		t.Errorf("the token is %q", got)
	}
	want := []string{
		"14069429150abcbf244c4c2fb2c4c46a49c93ca9457263ecd9ebb176de3a58bb",
		"7afbcdf334e3ab53d7d01c6e554d8c5cc1a0ae0eaf5888228f03dbf32c4b0751",
	}
	got := c.AddCredentials(nil, "u1")
	if !slices.Equal(got, want) || !slices.Equal(c.AddCredentials(got, "u1"), want) {
		t.Errorf("the upload remembers %q", got)
	}
}

// Of many tickets the last ones are remembered, each with its token.
func TestManyTickets(t *testing.T) {
	t.Parallel()
	var known []string
	for i := range 40 {
		before := slices.Clone(known)
		next := holder("alice", fmt.Sprint("ticket ", i)).AddCredentials(known, "u1")
		if !slices.Equal(known, before) {
			t.Fatal("what it was given has changed")
		}
		known = next
	}
	for i := range 40 {
		c := holder("alice", fmt.Sprint("ticket ", i))
		token := access.NewCredential(c.UploadToken("u1"))
		if kept := i >= 8; c.Credential.KnownTo(known) != kept || token.KnownTo(known) != kept {
			t.Errorf("ticket %d, token: %t, %t", i, c.Credential.KnownTo(known), token.KnownTo(known))
		}
	}
}

// Who shows no ticket is given no token, and leaves nothing with an upload.
func TestNoTicketNoToken(t *testing.T) {
	t.Parallel()
	known := []string{"hash"}
	for _, c := range []access.Caller{{User: "alice"}, access.TokenCaller("sgu_ruc_x")} {
		if token := c.UploadToken("u1"); token != "" || !slices.Equal(c.AddCredentials(known, "u1"), known) {
			t.Errorf("%+v has token %q", c, token)
		}
	}
	if (access.Credential{}).KnownTo([]string{"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}) {
		t.Error("no credential is known")
	}
}

func TestCredentialDoesNotPrint(t *testing.T) {
	t.Parallel()
	c := holder("alice", "secret")
	if text := fmt.Sprintf("%v %+v %#v %s", c, c, c.Credential, c.Credential); strings.Contains(text, "secret") {
		t.Error(text)
	}
}
