package sshpool

import "sync"

// Step is one of several that are begun in order. The request that it begins with
// is about Path, as the SFTP client is given it.
type Step struct {
	Path string
	Do   func()
}

// Pipeline begins one step after the other, each as soon as the request that the one
// before begins with is on its way, and returns when all have ended. A server that
// works in the order in which it is asked, as OpenSSH's does (sftp-server is one
// process that answers one request at a time), has then done all of their first
// requests within one round trip, whoever else uses the connection.
//
// It is a hope and not a promise: another server may do a later one first. So a step
// must fail, and do no harm, where what it builds on is not there.
func (c *Conn) Pipeline(steps ...Step) {
	var running sync.WaitGroup
	for _, step := range steps {
		request := c.c.pipe.awaitRequest(step.Path)
		ended := make(chan struct{})
		running.Go(func() {
			defer close(ended)
			step.Do()
		})
		select {
		case <-request.sent:
		case <-ended: // it asked for nothing
			c.c.pipe.forgetRequest(request)
		}
	}
	running.Wait()
}
