package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"sftpgate/gateway"
)

// Event is one event as it is written, made once for all streams that tell it.
type Event struct{ chunk, text []byte }

// NewEvent makes an event of v, as JSON on its one line of data.
func NewEvent(name string, v any) (*Event, error) {
	data, err := JSON(v)
	if err != nil {
		return nil, fmt.Errorf("encode an event: %w", err)
	}
	// JSON as it is encoded here has one line break, at its end.
	return newEvent(fmt.Sprintf("event: %s\ndata: %s\n", name, data)), nil
}

func newEvent(text string) *Event {
	chunk := fmt.Appendf(nil, "%x\r\n%s\r\n", len(text), text)
	return &Event{chunk: chunk, text: chunk[len(chunk)-2-len(text) : len(chunk)-2]}
}

// alive is the comment that shows that a stream is.
var alive, retry = newEvent(":\n\n"), newEvent(reconnect)

// Source is where the events of one stream come from.
type Source struct {
	// Next does not wait: it returns nil while there is nothing new, and io.EOF at the end.
	Next func() (*Event, error)
	// Leave ends it. It is called once, and nothing is woken after it.
	Leave func()
}

// Stream is Events for what many follow. Of those who came by HTTP/1.1 it keeps the
// connection alone, and a small goroutine: what net/http holds for a request that runs,
// and a stack that has been through a whole handler, take six times as much.
//
// open begins; wake, which it gets, is to be called whenever Next may have more. An
// error of it, or of Next before the first event, is an ordinary refusal.
func Stream(w http.ResponseWriter, r *http.Request, open func(ctx context.Context, wake func()) (Source, error)) error {
	x, all := exchangeOf(r), streamsOf(r)
	if x == nil {
		return errNoFront
	}
	if all == nil || r.Method != http.MethodGet || r.ProtoMajor != 1 || r.ProtoMinor < 1 || !x.body.over.Load() {
		return events(w, r, waiting(open))
	}
	p := &parted{all: all, idle: x.front.idle, every: x.front.heartbeat}
	src, err := open(r.Context(), p.wake)
	if err != nil {
		return err
	}
	first, err := src.Next()
	if err == nil {
		p.src = src
		err = p.part(w, r, x, first)
	}
	if err != nil {
		src.Leave()
		return err
	}
	return nil
}

// part takes the connection out of net/http's hands and begins the answer there.
func (p *parted) part(w http.ResponseWriter, r *http.Request, x *exchange, first *Event) error {
	if !p.all.add(p) {
		return gateway.Stopping()
	}
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		p.all.remove(p)
		return fmt.Errorf("take over a connection: %w", err)
	}
	p.account = x.part(r)
	p.mu.Lock()
	p.conn = conn
	p.mu.Unlock()
	p.write(beginning(w.Header(), first))
	go p.run()
	return nil
}

// beginning is an answer down to its first event, and how much of that is its body.
func beginning(h http.Header, first *Event) (answer []byte, body int) {
	var b bytes.Buffer
	streamHeader(h)
	h.Set("Transfer-Encoding", "chunked")
	h.Set("Connection", "close")
	h.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	b.WriteString("HTTP/1.1 200 OK\r\n")
	_ = h.Write(&b)
	b.WriteString("\r\n")
	for _, e := range []*Event{retry, first} {
		if e != nil {
			b.Write(e.chunk)
			body += len(e.text)
		}
	}
	return b.Bytes(), body
}

// waiting tells what comes from a source as events takes it.
func waiting(open func(ctx context.Context, wake func()) (Source, error)) func(context.Context, func(*Event) error) error {
	return func(ctx context.Context, send func(*Event) error) error {
		woken := make(chan struct{}, 1)
		src, err := open(ctx, func() {
			select {
			case woken <- struct{}{}:
			default:
			}
		})
		if err != nil {
			return err
		}
		defer src.Leave()
		for {
			e, err := src.Next()
			if err == nil && e != nil {
				if err = send(e); err == nil {
					continue
				}
			}
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			select {
			case <-woken:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
}
