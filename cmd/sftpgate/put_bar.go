package main

import (
	"fmt"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"

	"sftpgate/gateway/client"
)

// bar shows on a terminal how much is sent, and after that how much is merged. Lines
// are printed above it.
type bar struct {
	*lines
	to      *os.File
	total   int64 // -1 while it is not known
	at      map[string]client.Progress
	sum     client.Progress
	merging bool
	line    *progressbar.ProgressBar
}

func newBar(l *lines, to *os.File, files []source, hosts int) *bar {
	b := &bar{lines: l, to: to, at: map[string]client.Progress{}}
	for _, f := range files {
		if f.size < 0 {
			b.total = -1
			break
		}
		b.total += f.size * int64(hosts)
	}
	b.line = b.phase("sent")
	return b
}

func (b *bar) phase(name string) *progressbar.ProgressBar {
	return progressbar.NewOptions64(b.total, progressbar.OptionSetWriter(b.to), progressbar.OptionSetDescription(fmt.Sprintf("%-6s", name)),
		progressbar.OptionShowBytes(true), progressbar.OptionUseIECUnits(true), progressbar.OptionSetWidth(30),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
}

func (b *bar) progress(o outcome, p client.Progress) {
	key := o.host + ":" + o.target
	before := b.at[key]
	b.at[key] = p
	b.sum.Sent += p.Sent - before.Sent
	b.sum.Merged += p.Merged - before.Merged
	b.show()
}

// show draws the phase that it is in: all is sent before there is only merging left.
func (b *bar) show() {
	if !b.merging && b.total >= 0 && b.sum.Sent >= b.total {
		b.merging = true
		_ = b.line.Clear()
		b.line = b.phase("merged")
	}
	if b.merging {
		_ = b.line.Set64(min(b.sum.Merged, b.total))
		return
	}
	_ = b.line.Set64(max(b.sum.Sent, 0))
}

func (b *bar) opened(o outcome, resumed bool) { b.above(func() { b.lines.opened(o, resumed) }) }

func (b *bar) waits(err error, pause time.Duration) {
	b.above(func() { b.lines.waits(err, pause) })
}

func (b *bar) ended(o outcome) {
	b.above(func() { b.lines.ended(o) })
	n := max(o.size, 0)
	b.progress(o, client.Progress{Sent: n, Safe: n, Merged: n}) // nothing more is to come of it
}

func (b *bar) above(say func()) {
	_ = b.line.Clear()
	say()
}

func (b *bar) close(all []outcome) {
	_ = b.line.Clear()
	_ = b.line.Exit()
	b.lines.close(all)
}
