package merge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"sftpgate/remote/link"
	"sftpgate/remote/record"
	"sftpgate/remote/shell"
	"sftpgate/remote/stage"
)

// A copy on the host's own disk may be slow, but not without end: this much
// time, and more for more bytes.
const (
	copyGrace = 2 * time.Minute
	copySlow  = 1 << 20 // bytes a second
)

// shellEngine copies with dd and cat in one shell on the host: nothing goes
// over the wire, and cat from coreutils 9 on uses copy_file_range.
type shellEngine struct {
	conn   *link.Conn
	sh     *shell.Shell
	writer record.Writer

	disturbed bool // a copy found the part changed by others
}

func openShell(ctx context.Context, h *stage.Host, can link.Abilities) (Engine, error) {
	if !can.Exec {
		return nil, errors.New(cmp.Or(can.Why["Exec"], shell.ErrNoShell.Error()))
	}
	conn, err := h.Pool().Conn(ctx)
	if err != nil {
		return nil, err
	}
	e := &shellEngine{conn: conn, writer: record.Writer{Kind: "exec"}}
	if e.sh, err = conn.Shell(ctx); err != nil {
		conn.Release()
		return nil, conn.Explain(err)
	}
	p, err := e.sh.Who(ctx)
	var status *shell.Status
	if err != nil && !errors.As(err, &status) {
		_ = e.Close()
		return nil, err
	}
	if err == nil && p.PID == p.Session { // else the leader's start time is not known
		e.writer.PID, e.writer.Session, e.writer.Start, e.writer.Boot = p.PID, p.Session, p.Start, p.Boot
	}
	return e, nil
}

func (e *shellEngine) Name() string { return "shell" }

func (e *shellEngine) Writer() record.Writer { return e.writer }

func (e *shellEngine) Copy(ctx context.Context, from string, length int64, part string, off int64) error {
	ctx, cancel := context.WithTimeout(ctx, copyGrace+time.Duration(length/copySlow)*time.Second)
	defer cancel()
	disturbed, err := e.sh.Copy(ctx, from, part, off)
	e.disturbed = e.disturbed || disturbed
	if err != nil {
		return e.conn.Explain(fmt.Errorf("copy %s on the host: %w", from, err))
	}
	return nil
}

// CopyAll: see together.
func (e *shellEngine) CopyAll(ctx context.Context, part string, end int64, chunks []stage.Staged) ([]shell.Copied, error) {
	var copies []shell.Copy
	length := int64(0)
	for _, c := range chunks {
		end = max(end, c.End())
		copies = append(copies, shell.Copy{Source: c.Path, Off: c.Off, Len: c.Len, Least: end})
		length += c.Len
	}
	ctx, cancel := context.WithTimeout(ctx, copyGrace+time.Duration(length/copySlow)*time.Second)
	defer cancel()
	copied, err := e.sh.CopyAll(ctx, part, copies)
	for _, c := range copied {
		e.disturbed = e.disturbed || c.Disturbed
	}
	if err != nil {
		return nil, e.conn.Explain(fmt.Errorf("copy %d chunks on the host: %w", len(chunks), err))
	}
	return copied, nil
}

// Guard and Disturbed serve those who hash the part while it grows.
func (e *shellEngine) Guard(ctx context.Context, part, stamp string) error {
	return e.sh.Guard(ctx, part, stamp)
}

// Disturbed: see Guard.
func (e *shellEngine) Disturbed() bool { return e.disturbed }

func (e *shellEngine) Close() error {
	defer e.conn.Release()
	return e.sh.Close()
}
