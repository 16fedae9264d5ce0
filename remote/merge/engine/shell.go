package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"sftpgate/remote/record"
	"sftpgate/remote/shell"
	"sftpgate/remote/sshpool"
	"sftpgate/remote/staging"
)

// shellEngine copies with dd and cat in a shell on the host, which other merges use
// too: nothing goes over the wire, and cat from coreutils 9 on uses copy_file_range.
type shellEngine struct {
	sh     *sshpool.Shell
	writer record.Writer
	stamp  shell.Part // what copies keep a stamp of, if they do

	disturbed bool // a copy found the part changed by others
}

func openShell(ctx context.Context, h *staging.Host, can sshpool.Abilities, use use) (Engine, error) {
	if !can.Exec {
		return nil, errors.New(cmp.Or(can.Why["Exec"], shell.ErrNoShell.Error()))
	}
	lend := h.Pool().SharedShell
	if use == exclusive {
		lend = h.Pool().Shell
	}
	sh, err := lend(ctx)
	if err != nil {
		return nil, err
	}
	e := &shellEngine{sh: sh, writer: record.Writer{Kind: "exec"}}
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
	disturbed, err := e.sh.Copy(ctx, copyTimeout(length), from, e.part(part), off)
	e.disturbed = e.disturbed || disturbed
	if err != nil {
		return fmt.Errorf("copy %s on the host: %w", from, err)
	}
	return nil
}

// part is one to copy into, with its stamp.
func (e *shellEngine) part(name string) shell.Part {
	if name == e.stamp.Path {
		return e.stamp
	}
	return shell.Part{Path: name}
}

// CopyAll copies several chunks, one after the other, for the price of one round trip, and
// looks at chunk and part after each: a part that reached to end, and to the end of what
// was copied to it, must still do so, or nothing more is copied.
func (e *shellEngine) CopyAll(ctx context.Context, part string, end int64, chunks []staging.Staged) ([]shell.Copied, error) {
	var copies []shell.Copy
	length := int64(0)
	for _, c := range chunks {
		end = max(end, c.End())
		copies = append(copies, shell.Copy{Source: c.Path, Off: c.Off, Len: c.Len, Least: end})
		length += c.Len
	}
	copied, err := e.sh.CopyAll(ctx, copyTimeout(length), e.part(part), copies)
	for _, c := range copied {
		e.disturbed = e.disturbed || c.Disturbed
	}
	if err != nil {
		return nil, fmt.Errorf("copy %d chunks on the host: %w", len(chunks), err)
	}
	return copied, nil
}

// Guard has copies to part keep a stamp from now on, for those who hash it while it grows.
func (e *shellEngine) Guard(ctx context.Context, part, stamp string) error {
	p := shell.Part{Path: part, Stamp: stamp}
	if err := e.sh.Guard(ctx, p); err != nil {
		return err
	}
	e.stamp = p
	return nil
}

// Disturbed reports whether a copy found the part changed by others.
func (e *shellEngine) Disturbed() bool { return e.disturbed }

// Close: the shell is kept for others, and runs nothing of this merge any more.
func (e *shellEngine) Close() error { return e.sh.Close() }

// Retire: see retiring.
func (e *shellEngine) Retire() { e.sh.Retire() }
