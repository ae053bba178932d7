package main

import (
	"fmt"
	"io"

	"databrain-rotation/pkg/standin/secretsmanagertest"
)

// printCrossings writes what a rotation takes over a network, step by step.
func printCrossings(w io.Writer, all map[string]*crossings, far distances) {
	fmt.Fprintf(w, "The round trip to AWS takes %d ms, to Databrain %d ms. Times are medians of %d rotations in fresh "+
		"environments.\n", far.aws.Milliseconds(), far.databrain.Milliseconds(), len(all[rotate].fresh))
	fmt.Fprint(w, "\n| | requests | in sequence | took, ms | of it connecting, ms "+
		"| Python: requests | in sequence | took, ms | of it connecting, ms | |\n"+
		"|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	row := func(title string, of func(crossings) []stretch) {
		fmt.Fprintf(w, "| %s |", title)
		ours, theirs := medianOf(of(*all[rotate])), medianOf(of(*all[python]))
		for _, m := range []stretch{ours, theirs} {
			fmt.Fprintf(w, " %d | %d | %.0f | %.0f |",
				m.requests, m.inSequence, milliseconds(m.took), milliseconds(m.connecting))
		}
		fmt.Fprintf(w, " %s |\n", times(float64(theirs.took)/float64(ours.took)))
	}
	for _, step := range secretsmanagertest.Steps() {
		row(step, func(c crossings) []stretch {
			return each(c.fresh, func(c crossing) stretch { return c.steps[step] })
		})
	}
	row("whole rotation", func(c crossings) []stretch { return each(c.fresh, wholeOf) })
	row("window: from the save to the label's move", func(c crossings) []stretch { return each(c.fresh, windowOf) })
	row("whole rotation, warm", func(c crossings) []stretch { return each(c.warm, wholeOf) })
}

func wholeOf(c crossing) stretch  { return c.whole }
func windowOf(c crossing) stretch { return c.window }

func printFar(w io.Writer, all []farAudit) {
	fmt.Fprint(w, "| requests a minute | data apps | requests to AWS + Databrain | possible, s | took, s | |\n"+
		"|--:|--:|--:|--:|--:|--:|\n")
	for _, a := range all {
		fmt.Fprintf(w, "| %d | %d | %d + %d | %s | %s | %s |\n", a.perMinute, a.apps, a.aws, a.requests,
			seconds(a.possible()), seconds(a.wall), times(a.ratio()))
	}
}
