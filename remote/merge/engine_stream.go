package merge

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/pkg/sftp"

	"sftpgate/remote/link"
	"sftpgate/remote/record"
	"sftpgate/remote/stage"
)

// streamEngine copies through the gateway, for hosts that give nothing but
// SFTP: reads and writes are pipelined, on two connections where there are two.
type streamEngine struct {
	from, to *link.Conn
	part     *sftp.File
	partPath string
	writer   record.Writer
}

func openStream(ctx context.Context, h *stage.Host, _ link.Abilities) (Engine, error) {
	to, err := h.Pool().Conn(ctx)
	if err != nil {
		return nil, err
	}
	from, err := h.Pool().Conn(ctx)
	if err != nil {
		to.Release()
		return nil, err
	}
	return &streamEngine{from: from, to: to, writer: serverProcess(to.SFTP())}, nil
}

func (e *streamEngine) Name() string { return "stream" }

func (e *streamEngine) Writer() record.Writer { return e.writer }

func (e *streamEngine) Copy(ctx context.Context, from string, length int64, part string, off int64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := e.open(part); err != nil {
		return e.to.Explain(err)
	}
	src, err := e.from.SFTP().Open(from)
	if err != nil {
		return e.from.Explain(fmt.Errorf("read %s: %w", from, err))
	}
	if _, err := e.part.Seek(off, io.SeekStart); err != nil {
		_ = src.Close()
		return fmt.Errorf("write %s at %d: %w", part, off, err)
	}
	r, w := io.Pipe()
	// The calls below know no context.
	defer context.AfterFunc(ctx, func() { _ = w.CloseWithError(context.Cause(ctx)) })()
	written, closed := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(closed)
		_, err := src.WriteTo(w)
		w.CloseWithError(e.from.Explain(err))
		<-written
		_ = src.Close()
	}()
	n, err := e.part.ReadFromWithConcurrency(r, 0)
	_ = r.CloseWithError(io.ErrClosedPipe)
	close(written)
	select { // closing waits for what was asked for: whoever gives the copy up need not
	case <-closed:
	case <-ctx.Done():
	}
	if err != nil {
		return e.to.Explain(fmt.Errorf("write %s at %d: %w", part, off, err))
	}
	if n != length {
		return fmt.Errorf("%w: %s had %d bytes, not %d", stage.ErrContent, from, n, length)
	}
	return nil
}

func (e *streamEngine) open(part string) (err error) {
	if e.partPath == part {
		return nil
	}
	if e.part != nil {
		_ = e.part.Close()
	}
	e.partPath = ""
	if e.part, err = e.to.SFTP().OpenFile(part, os.O_WRONLY); err != nil {
		return fmt.Errorf("open %s: %w", part, err)
	}
	e.partPath = part
	return nil
}

// Close: every write was answered, so once the handle is closed in good order
// the server has nothing of ours left to do.
func (e *streamEngine) Close() error {
	defer e.from.Release()
	defer e.to.Release()
	if e.part == nil {
		return nil
	}
	err := e.part.Close()
	if errors.Is(err, os.ErrClosed) {
		return nil
	}
	return err
}
