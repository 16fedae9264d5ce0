package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/alecthomas/kong"

	"sftpgate/gateway/client"
)

// uploadsCmd works with the uploads that a gateway knows.
type uploadsCmd struct {
	Ls     uploadsListCmd   `cmd:"" help:"List your uploads: unfinished ones, and those that ended within a day."`
	Show   uploadsShowCmd   `cmd:"" help:"Show one upload."`
	Resume uploadsResumeCmd `cmd:"" help:"Continue an upload: send what is missing of its file, and have it merged."`
	Cancel uploadsCancelCmd `cmd:"" help:"Give uploads up. Nothing of them is left on the host."`
}

// askFor is how long these commands try again what may pass.
const askFor = 15 * time.Second

// ask connects for a few short calls.
func (f gateFlags) ask(to console) (*client.Client, error) {
	return f.connect(client.Options{RetryFor: askFor, Waits: (&lines{to: to}).waits})
}

func printJSON(to io.Writer, v any) error {
	e := json.NewEncoder(to)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

type uploadsListCmd struct {
	All  bool `help:"Include everybody else's that have not ended. For administrators."`
	JSON bool `name:"json" help:"Print JSON, one upload a line."`
	gateFlags
}

// Run prints a table, or a line of JSON for each.
func (c uploadsListCmd) Run(ctx context.Context, to console) error {
	gate, err := c.ask(to)
	if err != nil {
		return err
	}
	defer gate.Close()
	all, err := gate.Uploads(ctx, c.All)
	if err != nil {
		return asked(ctx, err)
	}
	w := tabwriter.NewWriter(to.out, 0, 0, 2, ' ', 0)
	defer w.Flush()
	if !c.JSON {
		fmt.Fprintln(w, "ID\tSTATE\tRECEIVED\tSIZE\tUSER\tTARGET")
	}
	for _, u := range all {
		if c.JSON {
			if err := printJSON(to.out, u); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s:%s\n", u.ID, u.State, sizeText(u.ReceivedBytes), sizeOrNot(u.Size), printable(u.User), u.Host, printable(u.Path))
	}
	return nil
}

func sizeOrNot(n *int64) string {
	if n == nil {
		return "?"
	}
	return sizeText(*n)
}

type uploadsShowCmd struct {
	ID   string `arg:"" help:"The upload's id."`
	JSON bool   `name:"json" help:"Print JSON, with the ranges that are received."`
	gateFlags
}

// Run prints what a person wants to know, or all of it as JSON.
func (c uploadsShowCmd) Run(ctx context.Context, to console) error {
	gate, err := c.ask(to)
	if err != nil {
		return err
	}
	defer gate.Close()
	u, err := gate.Upload(ctx, c.ID)
	if err != nil {
		return asked(ctx, err)
	}
	if c.JSON {
		return printJSON(to.out, u)
	}
	w := tabwriter.NewWriter(to.out, 0, 0, 2, ' ', 0)
	defer w.Flush()
	fmt.Fprintf(w, "id\t%s\ntarget\t%s:%s\nuser\t%s\nstate\t%s\nsize\t%s\nreceived\t%s\nmerged\t%s\n",
		u.ID, u.Host, printable(u.Path), printable(u.User), u.State, sizeOrNot(u.Size), sizeText(u.ReceivedBytes), sizeText(u.MergedBytes))
	if u.Verified != "" {
		fmt.Fprintf(w, "verified\tby %s\n", u.Verified)
	}
	if u.Error != nil {
		fmt.Fprintf(w, "error\t%s\n", printable(u.Error.Detail))
	}
	for _, note := range u.Notes {
		fmt.Fprintf(w, "note\t%s\n", printable(note))
	}
	if u.ExpiresAt != nil {
		fmt.Fprintf(w, "expires\t%s\n", u.ExpiresAt.Format(time.RFC3339))
	}
	return nil
}

type uploadsCancelCmd struct {
	IDs []string `arg:"" name:"id" help:"The uploads' ids."`
	gateFlags
}

// Run gives up one after the other, up to the first that cannot be given up.
func (c uploadsCancelCmd) Run(ctx context.Context, to console) error {
	gate, err := c.ask(to)
	if err != nil {
		return err
	}
	defer gate.Close()
	for _, id := range c.IDs {
		if err := gate.Cancel(ctx, id); err != nil {
			return asked(ctx, fmt.Errorf("upload %s: %w", id, err))
		}
		fmt.Fprintf(to.err, "%s: cancelled\n", id)
	}
	return nil
}

type uploadsResumeCmd struct {
	ID       string `arg:"" help:"The upload's id."`
	File     string `arg:"" optional:"" help:"Its file, unless all of it was sent and only the merge is missing. Another file is refused."`
	IfExists string `enum:"fail,replace" default:"fail" placeholder:"WHAT" help:"As the upload was begun with: fail, or replace the target if it exists. The gateway does not say which. Default fail."`
	Mode     string `placeholder:"OCTAL" help:"As the upload was begun with: permission bits of the target."`
	Preserve bool   `short:"p" help:"As the upload was begun with: keep the file's modification time and permission bits."`
	JSON     bool   `name:"json" help:"Print events as JSON on standard output, one a line, as put does."`
	gateFlags
}

// Run has put send the file to where the upload stands; without a file it asks for the
// merge alone.
func (c uploadsResumeCmd) Run(ctx context.Context, parsed *kong.Context, to console) error {
	gate, err := c.ask(to)
	if err != nil {
		return err
	}
	defer gate.Close()
	u, err := gate.Upload(ctx, c.ID)
	if err != nil {
		return asked(ctx, err)
	}
	switch {
	case u.State == client.Cancelled:
		return &statusError{exitFailed, "the upload was cancelled, and nothing is left of it: send its file with put"}
	case c.File != "" && u.State != client.Done:
		p := putCmd{Args: []string{c.File, u.Host + ":" + u.Path}, IfExists: c.IfExists, Mode: c.Mode, Preserve: c.Preserve, Checksum: u.Digest != nil,
			Parallel: 8, ChunkSize: 8 << 20, RetryFor: 10 * time.Minute, JSON: c.JSON, gateFlags: c.gateFlags}
		return p.Run(ctx, parsed, to)
	}
	if u, err = gate.Conclude(ctx, c.ID, client.FinishRequest{}, func(client.Upload) {}); err != nil {
		if client.CodeOf(err) == "incomplete" {
			return &statusError{exitFailed, fmt.Sprintf("%v: name its file as well, as in: sftpgate uploads resume %s FILE", err, c.ID)}
		}
		return asked(ctx, err)
	}
	o := outcome{source: source{name: c.ID, target: u.Path, size: -1}, host: u.Host, what: wasSent, upload: u}
	if c.JSON {
		(&events{to: to.out}).ended(o)
		return nil
	}
	(&lines{to: to}).ended(o)
	return nil
}
