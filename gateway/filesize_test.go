package gateway_test

import (
	"errors"
	"strings"
	"syscall"
	"testing"

	"sftpgate/gateway"
	"sftpgate/remote/remotetest"
)

var errRead = errors.New("the body was read")

type unread struct{}

func (unread) Read([]byte) (int, error) { return 0, errRead }

// A file that the target's filesystem cannot hold is refused before any byte is taken,
// whenever its length is told.
func TestFileLongerThanTheHostHolds(t *testing.T) {
	t.Parallel()
	d := emptyDisk(t)
	r := onDisk(t, d, embedded(t), remotetest.ServerOptions{Gate: func(op remotetest.Op) error {
		if op.Kind == remotetest.Truncate && op.Len > 1<<32-1 || op.Kind == remotetest.Write && op.Off+op.Len > 1<<32-1 {
			return syscall.EFBIG
		}
		return nil
	}})
	const long = 5 << 30
	_, opened := r.tryOpen(alice, "f", long)
	_, put := r.PutFile(t.Context(), alice, gateway.PutRequest{Host: "web-1", Path: r.path("f"), Size: long, R: unread{}})
	if tree := d.Tree(); strings.Contains(tree, "sftpgate") {
		t.Errorf("something is left:\n%s", tree)
	}
	up := r.open(alice, "later", -1).Upload
	_, declared := r.DeclareSize(t.Context(), alice, up.ID, long)
	_, sent := r.Receive(t.Context(), alice, up.ID, gateway.Body{Off: long - 5, Len: 5, Total: -1, R: unread{}})
	for what, err := range map[string]error{"opened": opened, "put": put, "declared": declared, "sent": sent} {
		if e := wantCode(t, err, gateway.TooLarge); e.Retryable() || !strings.Contains(e.Detail, "filesystem") {
			t.Errorf("%s: %s", what, e.Detail)
		}
	}
}
