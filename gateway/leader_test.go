package gateway_test

import (
	"testing"

	"sftpgate/remote/remotetest/await"
)

// A gateway that merges an upload does not know what another one has taken meanwhile. Who
// opens the upload again is told all the same that it is there, and need not send it again.
func TestLeaderTellsWhatAnotherGatewayTook(t *testing.T) {
	t.Parallel()
	const size = 3000
	content := noise(size)
	a, b, _ := rivals(t, embedded(t), func() error { return nil })
	id := a.open(alice, "f", size).Upload.ID
	a.send(alice, id, content, 0, 1000)
	await.Until(t, "the merge, after which it leads for a moment", func() bool {
		u, err := a.Get(t.Context(), alice, id)
		return err == nil && u.MergedBytes == 1000
	})
	b.send(alice, id, content, 1000, 1000)
	if u := a.open(alice, "f", size).Upload; u.ReceivedBytes != 2000 {
		t.Errorf("%d bytes are there by what the leader says, of 2000 that were acknowledged", u.ReceivedBytes)
	}
}
