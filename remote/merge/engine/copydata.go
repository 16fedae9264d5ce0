package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"sftpgate/remote/copydata"
	"sftpgate/remote/record"
	"sftpgate/remote/sshpool"
	"sftpgate/remote/staging"
)

// copyDataEngine lets an SFTP server of its own copy on the host: nothing goes
// over the wire, and the account needs no shell.
type copyDataEngine struct {
	conn   *sshpool.Conn
	client *copydata.Client
	writer record.Writer
}

func openCopyData(ctx context.Context, h *staging.Host, _ sshpool.Abilities, _ use) (Engine, error) {
	conn, err := h.Pool().Conn(ctx)
	if err != nil {
		return nil, err
	}
	e := &copyDataEngine{conn: conn}
	if err := e.start(ctx); err != nil {
		conn.Release()
		return nil, conn.Explain(err)
	}
	return e, nil
}

func (e *copyDataEngine) start(ctx context.Context) error {
	ch, err := e.conn.Subsystem(ctx, "sftp")
	if err != nil {
		return fmt.Errorf("a second SFTP channel: %w", err)
	}
	if e.client, err = copydata.Start(ctx, ch); err != nil {
		return fmt.Errorf("a second SFTP channel: %w", err)
	}
	// The process that copies is the one behind this channel, and no other.
	e.writer = writerSeenBy(func(name string) (string, error) {
		b, err := e.client.ReadStart(ctx, name)
		return strings.TrimSpace(string(b)), err
	})
	return e.client.Err()
}

func (e *copyDataEngine) Name() string { return "copy-data" }

func (e *copyDataEngine) Writer() record.Writer { return e.writer }

func (e *copyDataEngine) Copy(ctx context.Context, from string, length int64, part string, off int64) error {
	ctx, cancel := context.WithTimeout(ctx, copyTimeout(length))
	defer cancel()
	err := e.client.Copy(ctx, from, length, part, off)
	if errors.Is(err, copydata.ErrLength) {
		err = fmt.Errorf("%w: %w", staging.ErrContent, err)
	}
	return e.conn.Explain(err)
}

// Close: every request was answered, so once the part is closed in good order
// the server has nothing of ours left to do.
func (e *copyDataEngine) Close() error {
	defer e.conn.Release()
	return e.client.Close()
}
