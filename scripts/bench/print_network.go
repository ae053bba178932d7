package main

import (
	"fmt"

	"databrain-rotation/pkg/standin/secretsmanagertest"
)

// printCrossings writes what a rotation takes over a network, step by step.
func printCrossings(all map[string]*crossings, far distances) {
	fmt.Printf("\nA rotation in the replace strategy over a network: TLS, %d ms to AWS and back, %d ms to Databrain. "+
		"The first of an environment, which makes the connections. Medians.\n",
		far.aws.Milliseconds(), far.databrain.Milliseconds())
	fmt.Print("\n| | requests | in sequence | took, ms | of it connecting, ms " +
		"| Python: requests | in sequence | took, ms | of it connecting, ms |\n" +
		"|---|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	row := func(title string, of func(crossings) []stretch) {
		fmt.Printf("| %s |", title)
		for _, name := range []string{rotate, python} {
			m := medianOf(of(*all[name]))
			fmt.Printf(" %d | %d | %.0f | %.0f |", m.requests, m.inSequence, milliseconds(m.took), milliseconds(m.connecting))
		}
		fmt.Println()
	}
	for _, step := range secretsmanagertest.Steps() {
		row(step, func(c crossings) []stretch { return each(c.fresh, func(c crossing) stretch { return c.steps[step] }) })
	}
	row("whole rotation", func(c crossings) []stretch { return each(c.fresh, wholeOf) })
	row("window: from the save to the label's move", func(c crossings) []stretch { return each(c.fresh, windowOf) })
	row("whole rotation, warm", func(c crossings) []stretch { return each(c.warm, wholeOf) })
}

func wholeOf(c crossing) stretch  { return c.whole }
func windowOf(c crossing) stretch { return c.window }

func printFar(all []farAudit) {
	fmt.Print("\nAn audit over the same network. No audit can be faster than its rate allows after a burst of 10.\n")
	fmt.Print("\n| requests a minute | data apps | requests to AWS + Databrain | possible, s | took, s | |\n" +
		"|--:|--:|--:|--:|--:|--:|\n")
	for _, a := range all {
		fmt.Printf("| %d | %d | %d + %d | %s | %s | %s |\n", a.perMinute, a.apps, a.aws, a.requests,
			seconds(a.possible()), seconds(a.wall), times(a.ratio()))
	}
}
