package link_test

import (
	"fmt"
	"path"
	"testing"

	"sftpgate/remote/link"
	"sftpgate/remote/remotetest"
)

// Directories below one another are made in one go, while others use the
// connection, and taken away again in one go.
func TestInOrder(t *testing.T) {
	sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	lent := conn(t, openOne(t, link.Options{}, sshd.Host("web-1")))
	c := lent.SFTP()
	for i := range 50 {
		dir := path.Join(sshd.Root, fmt.Sprint("d", i))
		errs := make([]error, 12)
		var steps []func()
		for n := range 6 {
			at := dir
			for range n {
				at = path.Join(at, "below")
			}
			steps = append(steps, func() { errs[n] = c.Mkdir(at) })
		}
		for n := range 6 {
			at := dir
			for range 5 - n {
				at = path.Join(at, "below")
			}
			steps = append(steps, func() { errs[6+n] = c.RemoveDirectory(at) })
		}
		lent.InOrder(append(steps, func() {})...) // one that asks for nothing holds nobody up
		for n, err := range errs {
			if err != nil {
				t.Fatalf("round %d, step %d: %v", i, n, err)
			}
		}
	}
}
