package access_test

import (
	"fmt"

	"sftpgate/gateway/access"
)

// A ticket to upload to one host opens an upload, and expires on the way.
func Example() {
	alice := access.Caller{User: "alice", Credential: access.NewCredential("her ticket"),
		Scope: &access.Scope{Hosts: []string{"web-1"}, Operations: []access.Operation{access.OpUpload}}}
	fmt.Println("on web-1:", alice.Authorize(access.OpUpload, access.Resource{Host: "web-1"}))
	fmt.Println("on web-2:", alice.Authorize(access.OpUpload, access.Resource{Host: "web-2"}))

	upload := access.Resource{Host: "web-1", Owner: "alice", Credentials: alice.AddCredentials(nil, "u1")}
	expired := alice
	expired.Bound = true
	fmt.Println("go on:", expired.Authorize(access.OpUpload, upload))
	fmt.Println("begin:", expired.Authorize(access.OpUpload, access.Resource{Host: "web-1"}))

	token := access.TokenCaller(alice.UploadToken("u1"))
	fmt.Println("by token:", token.Authorize(access.OpUpload, upload))
	fmt.Println("cancel by token:", token.Authorize(access.OpCancel, upload))
	// Output:
	// on web-1: <nil>
	// on web-2: the ticket is not for host "web-2"
	// go on: <nil>
	// begin: the ticket has expired: it can only continue uploads that it opened; ask for a new ticket
	// by token: <nil>
	// cancel by token: the ticket does not allow this operation (cancel)
}
