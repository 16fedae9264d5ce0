package engine

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/pkg/sftp"

	"sftpgate/remote/record"
	"sftpgate/remote/sshpool"
	"sftpgate/remote/staging"
)

// streamEngine copies through the gateway, for hosts that give nothing but
// SFTP: reads and writes are pipelined, on two connections where there are two.
type streamEngine struct {
	from, to *sshpool.Conn
	part     *sftp.File
	partPath string
	writer   record.Writer
}

func openStream(ctx context.Context, h *staging.Host, _ sshpool.Abilities, _ use) (Engine, error) {
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
	c := &streamCopy{src: src, part: e.part, off: off, length: length}
	err = c.run(ctx)
	switch {
	case err == nil, errors.Is(err, staging.ErrContent):
	case c.reading:
		err = e.from.Explain(fmt.Errorf("read %s: %w", from, err))
	default:
		err = e.to.Explain(fmt.Errorf("write %s at %d: %w", part, off, err))
	}
	return err
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
