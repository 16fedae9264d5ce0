package link

import "sync"

// InOrder begins one step after the other, each as soon as the request that the one
// before begins with is on its way, and returns when all have ended. A server that
// works in the order in which it is asked, as OpenSSH's does (sftp-server is one
// process that answers one request at a time), has then done all of their first
// requests within one round trip.
//
// It is a hope and not a promise: another server may do a later one first, and
// others who use the connection can come in between. So a step must fail, and do no
// harm, where what it builds on is not there.
func (c *Conn) InOrder(steps ...func()) {
	var running sync.WaitGroup
	for _, step := range steps {
		asked := c.c.pipe.nextRequest()
		ended := make(chan struct{})
		running.Go(func() {
			defer close(ended)
			step()
		})
		select {
		case <-asked:
		case <-ended: // it asked for nothing
		}
	}
	running.Wait()
}
