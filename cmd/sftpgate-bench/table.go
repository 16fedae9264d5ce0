package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
)

// print writes the table, and what each process took.
func (r report) print(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "row\tours\tbeside\tfigure\tfloor\taim\t")
	for _, row := range r.Rows {
		beside := ""
		if len(row.Peers) > 0 {
			beside = row.kind.peerText(row.Peers[0])
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", row.Name, row.kind.sideText(row.Ours), beside, row.kind.text(row.Value),
			row.kind.bound(row.Floor), row.kind.bound(row.Aim), row.verdict())
		for _, p := range row.Peers[min(1, len(row.Peers)):] {
			fmt.Fprintf(t, "\t\t%s\t%s\t\t\t\n", row.kind.peerText(p), row.kind.text(p.Ratio))
		}
	}
	_ = t.Flush()
	fmt.Fprintln(w)
	r.printWork(w)
	r.printRuns(w)
	fmt.Fprintf(w, "\nmedians (min–max), rounds: %d; ratios are of medians: × scp is how many times as fast as scp.\nAgain: %s\n", r.Rounds, r.Command)
	if r.Size != full.name {
		fmt.Fprintln(w, "These are the small sizes of -quick: floors and aims are meant for the full ones.")
	}
}

// printWork says what the rows are.
func (r report) printWork(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range r.Rows {
		fmt.Fprintf(t, "%s\t%s\n", row.Name, row.Work)
	}
	_ = t.Flush()
	fmt.Fprintln(w)
}

// printRuns says what every process took: the gateway in ours, the peer in theirs.
func (r report) printRuns(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "process in\tseconds\tMiB/s\tCPU s\tCPU s/GiB\tpeak MiB\thost CPU s\tconnections\tsessions\tB/B\troom\tsync after\tsent again\t")
	for _, name := range slices.Sorted(maps.Keys(r.Runs)) {
		all := r.Runs
		took := all.of(name, seconds).Median
		rate := float64(all[name][0].Bytes) / mib / max(took, 1e-9)
		after := ""
		if s := all.of(name, syncing).Median; s > 0 {
			after = fmt.Sprintf("%.2f s", s)
		}
		again := ""
		if n := all.of(name, retried).Max; n > 0 {
			again = fmt.Sprintf("%.0f", n)
		}
		fmt.Fprintf(t, "%s\t%.2f\t%.0f\t%.2f\t%.2f\t%.0f\t%.2f\t%.0f\t%.0f\t%.2f\t%.2f\t%s\t%s\t\n", name, took, rate, all.of(name, cpu).Median,
			all.of(name, cpuPerGiB).Median, all.of(name, resident).Max/mib, all.of(name, func(t turn) float64 { return t.Host.CPU }).Median,
			all.of(name, turn.connections).Max, all.of(name, turn.sessions).Max, all.of(name, turn.written).Median, all.of(name, turn.room).Max, after, again)
	}
	_ = t.Flush()
}

func (r result) verdict() string {
	return cmp.Or(map[string]string{"aim": "✓ aim", "floor": "✓ floor", "missed": "✗ missed"}[r.Verdict], "")
}

// peerText is a peer's figure with its name.
func (k kind) peerText(s side) string {
	_, name, _ := strings.Cut(s.Run, "/")
	return name + ": " + k.sideText(s)
}

// sideText is a contestant's figure, and how it lies.
func (k kind) sideText(s side) string {
	if s.Turns == 0 {
		return "failed"
	}
	one := k.measure
	text := one(s.Spread.Median)
	if s.Turns > 1 {
		text += fmt.Sprintf(" (%s–%s)", one(s.Spread.Min), one(s.Spread.Max))
	}
	return text
}

// measure writes what a side of a row is measured in.
func (k kind) measure(v float64) string {
	switch k {
	case finish:
		return fmt.Sprintf("%.0f ms", v*1e3)
	case peak, growth:
		return fmt.Sprintf("%.0f MiB", v/mib)
	case effort, hostEffort:
		return fmt.Sprintf("%.2f s/GiB", v)
	case connectionCount, sessionCount:
		return fmt.Sprintf("%.0f", v)
	case diskWrites, diskRoom:
		return fmt.Sprintf("%.2f B/B", v)
	}
	return fmt.Sprintf("%.2f s", v)
}

// text writes a row's value.
func (k kind) text(v float64) string {
	switch {
	case v == 0 && !k.counts():
		return "–"
	case k == speed, k == first, k == growth, k == effort, k == hostEffort:
		return fmt.Sprintf("%.2f ×", v)
	}
	return k.measure(v)
}

func (k kind) bound(v float64) string {
	switch {
	case k == plain:
		return ""
	case k.more():
		return "≥ " + k.text(v)
	}
	return "≤ " + k.text(v)
}
