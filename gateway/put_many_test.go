package gateway_test

import (
	"bytes"
	"io"
	"sync"
	"testing"

	"sftpgate/gateway"
	"sftpgate/remote/remotetest"
)

// meeting lets none of its bodies end before each was read from, or its request is over.
type meeting struct{ begun sync.WaitGroup }

// body is a body with content; over says that nobody reads it any more.
func (m *meeting) body(content []byte) (r io.Reader, over func()) {
	m.begun.Add(1)
	come := sync.OnceFunc(m.begun.Done)
	return io.MultiReader(bytes.NewReader(content[:1]), latecomer{m, come}, bytes.NewReader(content[1:])), come
}

type latecomer struct {
	m    *meeting
	come func()
}

func (l latecomer) Read([]byte) (int, error) {
	l.come()
	l.m.begun.Wait()
	return 0, io.EOF
}

// Ten requests of one user for one name, none of which ends before all have begun: one
// file is there in the end, and nobody is told of another user.
func TestManyPutsOfOneName(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		length   int
		declared bool
	}{"small": {3000, true}, "length not declared": {3000, false}} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			d := emptyDisk(t)
			r := onDisk(t, d, embedded(t), remotetest.ServerOptions{})
			var m meeting
			const all = 10
			contents, errs := make([][]byte, all), make([]error, all)
			var puts sync.WaitGroup
			bodies, over := make([]io.Reader, all), make([]func(), all)
			for i := range all {
				contents[i] = noise(c.length + i)
				bodies[i], over[i] = m.body(contents[i])
			}
			for i, body := range bodies {
				size := int64(-1)
				if c.declared {
					size = int64(len(contents[i]))
				}
				puts.Go(func() {
					defer over[i]()
					_, errs[i] = r.PutFile(t.Context(), alice, gateway.PutRequest{Host: "web-1", Path: r.path("f"), Size: size, R: body})
				})
			}
			puts.Wait()
			stored := 0
			for i, err := range errs {
				switch gateway.CodeOf(err) {
				case gateway.TargetExists, gateway.DifferentFile:
				default:
					if err != nil {
						t.Errorf("request %d: %v", i, err)
						continue
					}
					stored++
					r.exactOn(d, contents[i])
				}
			}
			if stored != 1 {
				t.Errorf("%d were stored", stored)
			}
		})
	}
}
