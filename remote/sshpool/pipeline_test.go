package sshpool_test

import (
	"errors"
	"fmt"
	"path"
	"sync"
	"testing"

	"sftpgate/remote/remotetest"
	"sftpgate/remote/sshpool"
)

// Directories below one another are made in one go, while others use the
// connection, and taken away again in one go.
func TestPipelineKeepsOrder(t *testing.T) {
	t.Parallel()
	sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	lent := conn(t, openOne(t, sshpool.Options{}, sshd.Host("web-1")))
	c := lent.SFTP()
	for i := range 50 {
		dir := path.Join(sshd.Root, fmt.Sprint("d", i))
		errs := make([]error, 12)
		var steps []sshpool.Step
		for n := range 6 {
			at := dir
			for range n {
				at = path.Join(at, "below")
			}
			steps = append(steps, sshpool.Step{Path: at, Do: func() { errs[n] = c.Mkdir(at) }})
		}
		for n := range 6 {
			at := dir
			for range 5 - n {
				at = path.Join(at, "below")
			}
			steps = append(steps, sshpool.Step{Path: at, Do: func() { errs[6+n] = c.RemoveDirectory(at) }})
		}
		lent.Pipeline(append(steps, sshpool.Step{Do: func() {}})...) // one that asks for nothing holds nobody up
		for n, err := range errs {
			if err != nil {
				t.Fatalf("round %d, step %d: %v", i, n, err)
			}
		}
	}
}

// Those who do so at once over one connection do not get between one another.
func TestPipelineWithManyCallers(t *testing.T) {
	t.Parallel()
	sshd := remotetest.StartSSHD(t, remotetest.SSHDOptions{})
	lent := conn(t, openOne(t, sshpool.Options{}, sshd.Host("web-1")))
	c := lent.SFTP()
	var all sync.WaitGroup
	for who := range 16 {
		all.Go(func() {
			for i := range 30 {
				at := path.Join(sshd.Root, fmt.Sprint("d", who, "-", i))
				errs := make([]error, 5)
				var steps []sshpool.Step
				for n := range errs {
					dir := at
					steps = append(steps, sshpool.Step{Path: dir, Do: func() { errs[n] = c.Mkdir(dir) }})
					at = path.Join(at, "below")
				}
				lent.Pipeline(steps...)
				if err := errors.Join(errs...); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
}
