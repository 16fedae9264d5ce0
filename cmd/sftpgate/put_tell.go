package main

import (
	"fmt"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"golang.org/x/term"

	"sftpgate/gateway/client"
)

// teller says what happens. It is called by one goroutine at a time.
type teller interface {
	opened(o outcome, resumed bool)
	progress(o outcome, p client.Progress)
	waits(err error, pause time.Duration)
	ended(o outcome)
	close(all []outcome)
}

// teller chooses: events for programs, a bar for a terminal, lines for the rest.
func (c putCmd) teller(to console, files []source, hosts int) teller {
	lines := &lines{to: to, quiet: c.Quiet, dry: c.DryRun, table: hosts > 1}
	f, isFile := to.err.(*os.File)
	switch {
	case c.JSON:
		return &events{to: to.out}
	case !c.Quiet && !c.DryRun && isFile && term.IsTerminal(int(f.Fd())):
		return newBar(lines, f, files, hosts)
	}
	return lines
}

func fileName(name string) string { return filepath.Base(name) }

// lines are plain text.
type lines struct {
	to    console
	quiet bool
	dry   bool
	table bool // at the end
}

func (l *lines) say(format string, args ...any) {
	if !l.quiet {
		fmt.Fprintln(l.to.err, printable(fmt.Sprintf(format, args...)))
	}
}

func (l *lines) opened(o outcome, resumed bool) {
	if resumed && o.upload.State != client.Done {
		l.say("%s: resuming; %s are on %s already", o.name, sizeText(o.upload.ReceivedBytes), o.host)
	}
}

func (l *lines) progress(outcome, client.Progress) {}

func (l *lines) waits(err error, pause time.Duration) {
	l.say("%s; trying again in %v", inWords(err), pause.Round(100*time.Millisecond))
}

func (l *lines) ended(o outcome) {
	switch {
	case o.err != nil:
		fmt.Fprintf(l.to.err, "sftpgate: %s to %s:%s: %s\n", printable(o.name), o.host, printable(o.target), inWords(o.err))
	case l.dry:
		fmt.Fprintln(l.to.out, printable(o.prediction()))
	case o.what == wasSkipped:
		l.say("%s: skipped, %s:%s is there", o.name, o.host, o.target)
	default:
		l.say("%s: sent to %s:%s, %s, verified by %s", o.name, o.host, o.target, sizeText(o.bytes()), o.upload.Verified)
		for _, note := range o.upload.Notes {
			l.say("%s: note: %s", o.name, note)
		}
	}
}

func (l *lines) close(all []outcome) {
	tallies, order := tally(all)
	if l.table && !l.quiet {
		w := tabwriter.NewWriter(l.to.out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "HOST\tSENT\tSKIPPED\tFAILED\tSIZE")
		for _, host := range order {
			t := tallies[host]
			fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%s\n", host, t.Sent, t.Skipped, t.Failed, sizeText(t.Bytes))
		}
		_ = w.Flush()
		return
	}
	for _, host := range order {
		if t := tallies[host]; len(all) > 1 && !l.dry {
			l.say("%s to %s, %s; %d skipped, %d failed", countOf(t.Sent), host, sizeText(t.Bytes), t.Skipped, t.Failed)
		}
	}
}

// bytes is the size of what was sent.
func (o outcome) bytes() int64 {
	if o.upload.Size != nil {
		return *o.upload.Size
	}
	return max(o.size, 0)
}

// results are what became of a host's files.
type results struct {
	Sent    int   `json:"sent"`
	Skipped int   `json:"skipped"`
	Failed  int   `json:"failed"`
	Bytes   int64 `json:"bytes"`
}

// tally results by host, in the order of the hosts.
func tally(all []outcome) (map[string]*results, []string) {
	found, order := map[string]*results{}, []string(nil)
	for _, o := range all {
		t := found[o.host]
		if t == nil {
			t = &results{}
			found[o.host], order = t, append(order, o.host)
		}
		switch o.what {
		case wasSent:
			t.Sent++
			t.Bytes += o.bytes()
		case wasSkipped:
			t.Skipped++
		default:
			t.Failed++
		}
	}
	return found, order
}

// sizeText is a size for people.
func sizeText(n int64) string {
	const units = "KMGTPE"
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	at, v := -1, float64(n)
	for v >= 1024 && at < len(units)-1 {
		v /= 1024
		at++
	}
	return fmt.Sprintf("%.1f %ciB", v, units[at])
}
