package main

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"
)

type hostsListCmd struct {
	JSON bool `name:"json" help:"Print JSON, one host a line."`
	gateFlags
}

// Run prints the hosts that the caller may send to, as the gateway last saw them.
func (c hostsListCmd) Run(ctx context.Context, to console) error {
	gate, err := c.ask(to)
	if err != nil {
		return err
	}
	defer gate.Close()
	all, err := gate.Hosts(ctx)
	if err != nil {
		return asked(ctx, err)
	}
	w := tabwriter.NewWriter(to.out, 0, 0, 2, ' ', 0)
	defer w.Flush()
	if !c.JSON {
		fmt.Fprintln(w, "HOST\tSTATE\tFREE\tLABEL\tROOTS")
	}
	for _, h := range all {
		if c.JSON {
			if err := printJSON(to.out, h); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", h.ID, h.State, sizeOrNot(h.FreeBytes), h.Label, strings.Join(h.Roots, " "))
	}
	return nil
}
