package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// report is what a run of the command found; the JSON file is one.
type report struct {
	Made    time.Time `json:"made"`
	Command string    `json:"command"` // how to repeat it
	Machine machine   `json:"machine"`
	Size    string    `json:"size"` // full or quick
	Rounds  int       `json:"rounds"`
	Rows    []result  `json:"rows"`
	Runs    series    `json:"runs"` // every turn of every run
	Failed  []string  `json:"failed,omitempty"`
}

// result is one row with its figures. Unit is that of value, floor and aim.
type result struct {
	Name  string  `json:"name"`
	Work  string  `json:"work"`
	Unit  string  `json:"unit"`
	Value float64 `json:"value"` // 0: it was not measured
	Floor float64 `json:"floor,omitempty"`
	Aim   float64 `json:"aim,omitempty"`
	// Verdict is "aim", "floor", "missed" or, where nothing is asked or known, "".
	Verdict string `json:"verdict"`
	Ours    side   `json:"ours"`
	Peers   []side `json:"peers,omitempty"`

	kind kind
}

// side is one contestant's figure in a row, in the unit that the row measures.
type side struct {
	Run    string  `json:"run"`
	Turns  int     `json:"turns"`
	Spread spread  `json:"spread"`
	Ratio  float64 `json:"ratio,omitempty"` // of a peer: how we stand to it
}

func reportOf(m machine, p plan, all series, failed []string, command string) report {
	r := report{Made: time.Now().UTC().Truncate(time.Second), Command: command, Machine: m, Size: p.size.name, Rounds: p.rounds, Runs: all, Failed: failed}
	for _, row := range p.rows {
		r.Rows = append(r.Rows, row.result(all))
	}
	return r
}

func (r row) result(all series) result {
	what := r.kind.what()
	ours := all.of(r.ours, what)
	out := result{Name: r.name, Work: r.work, Unit: r.kind.unit(), Value: r.value(all), Floor: r.floor, Aim: r.aim, kind: r.kind,
		Ours: side{Run: r.ours, Turns: len(all[r.ours]), Spread: ours}}
	for _, p := range r.peers {
		theirs := all.of(p, what)
		out.Peers = append(out.Peers, side{Run: p, Turns: len(all[p]), Spread: theirs, Ratio: r.kind.against(ours, theirs)})
	}
	switch {
	case r.kind == plain || out.Value == 0 && !r.kind.counts() || out.Ours.Turns == 0:
	case r.kind.reached(out.Value, r.aim):
		out.Verdict = "aim"
	case r.kind.reached(out.Value, r.floor):
		out.Verdict = "floor"
	default:
		out.Verdict = "missed"
	}
	return out
}

// unit is that of a row's value.
func (k kind) unit() string {
	switch k {
	case finish, plain:
		return "seconds"
	case peak:
		return "bytes"
	case connectionCount, sessionCount:
		return "count"
	}
	return "ratio"
}

// save writes the files that were asked for.
func (r report) save(jsonFile, svgFile string, say io.Writer) error {
	if jsonFile != "" {
		text, err := json.MarshalIndent(r, "", "  ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(jsonFile, append(text, '\n'), 0o644); err != nil {
			return err
		}
		fmt.Fprintf(say, "the figures are in %s\n", jsonFile)
	}
	if svgFile != "" {
		var b strings.Builder
		if err := r.chart(&b); err != nil {
			return err
		}
		if err := os.WriteFile(svgFile, []byte(b.String()), 0o644); err != nil {
			return err
		}
		fmt.Fprintf(say, "the chart is in %s\n", svgFile)
	}
	return nil
}
