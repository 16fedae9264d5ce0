package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/schollz/progressbar/v3"
)

// everything has all contestants that the plan's rows need take their turns:
// within a scene one after the other, round by round. A turn that fails is told
// and missing; the others go on.
func everything(ctx context.Context, s *site, p plan, tell io.Writer) (series, []string) {
	var needed []string
	for _, r := range p.rows {
		needed = append(needed, r.runs()...)
	}
	var wanted []scene
	turns := 0
	for _, all := range scenes(p.size) {
		all = slices.DeleteFunc(all, func(r run) bool { return !slices.Contains(needed, r.name) })
		wanted = append(wanted, all)
		turns += len(all) * p.rounds
	}
	line := progress(tell, turns)
	defer line.done()
	done, failed := series{}, []string(nil)
	for _, all := range wanted {
		for round := range p.rounds {
			for _, r := range all {
				line.begins(r.name, round+1, p.rounds)
				t, err := r.do(ctx, s)
				if ctx.Err() != nil {
					return done, failed
				}
				if err != nil {
					err = fmt.Errorf("%s, round %d: %w", r.name, round+1, err)
					failed = append(failed, err.Error())
				} else {
					done[r.name] = append(done[r.name], t)
				}
				line.ends(t, err)
			}
		}
	}
	return done, failed
}

// progressLine is one line that moves on a terminal, and a line a turn elsewhere.
type progressLine struct {
	bar  *progressbar.ProgressBar
	to   io.Writer // nil on a terminal
	name string
}

func progress(w io.Writer, turns int) *progressLine {
	if f, ok := w.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			return &progressLine{bar: progressbar.NewOptions(turns, progressbar.OptionSetWriter(w),
				progressbar.OptionSetWidth(30), progressbar.OptionShowCount(), progressbar.OptionClearOnFinish(),
				progressbar.OptionSetPredictTime(false), progressbar.OptionSetElapsedTime(true),
				progressbar.OptionThrottle(100*time.Millisecond))}
		}
	}
	return &progressLine{bar: progressbar.NewOptions(turns, progressbar.OptionSetVisibility(false)), to: w}
}

func (l *progressLine) begins(name string, round, of int) {
	l.name = fmt.Sprintf("%s %d/%d", name, round, of)
	l.bar.Describe(fmt.Sprintf("%-28s", l.name))
}

func (l *progressLine) ends(t turn, err error) {
	switch {
	case err != nil && l.to == nil:
		_ = l.bar.Clear()
		fmt.Fprintf(os.Stderr, "%v\n", err)
	case err != nil:
		fmt.Fprintf(l.to, "%v\n", err)
	case l.to != nil:
		fmt.Fprintf(l.to, "%-28s %8.2f s  CPU %7.2f s  peak %5d MiB\n", l.name, t.Seconds, t.CPU, t.Peak>>20)
	}
	_ = l.bar.Add(1)
}

func (l *progressLine) done() { _ = l.bar.Finish() }
