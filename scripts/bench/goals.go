package main

import (
	"fmt"
	"io"
	"slices"
)

// goal is something that a run should hold.
type goal struct {
	text, measured string
	held           bool
}

func printGoals(w io.Writer, f figures) {
	fmt.Fprint(w, "| goal | measured | |\n|---|--:|---|\n")
	for _, g := range slices.Concat(
		startGoals(f.side, rotate, 1.15), startGoals(f.side, audit, 1.35), crossingGoals(f.crossings[rotate]),
		auditGoals(f.growth[len(f.growth)-1], f.memory), farGoals(f.far), enduranceGoals(f.endurance),
	) {
		verdict := "held"
		if !g.held {
			verdict = "**missed**"
		}
		fmt.Fprintf(w, "| %s | %s | %s |\n", g.text, g.measured, verdict)
	}
}

func startGoals(side sideBySide, function string, limit float64) []goal {
	start := func(of, to string) spread { return spreadOf(ratios(side.of(of, cold), side.of(to, cold))) }
	floor, python := start(function, sdkAlone), start(python, function)
	return []goal{
		{
			fmt.Sprintf("cold start of %s at most %v times that of the SDK alone", function, limit),
			floor.String(), floor.median <= limit,
		},
		{
			fmt.Sprintf("cold start of %s over 10 times faster than Python's", function),
			python.String(), python.median > 10,
		},
	}
}

func crossingGoals(rotations *crossings) []goal {
	whole, window := medianOf(each(rotations.fresh, wholeOf)), medianOf(each(rotations.fresh, windowOf))
	return []goal{
		{"round trips in sequence of a rotation: at most 13", fmt.Sprint(whole.inSequence), whole.inSequence <= 13},
		{"of the window in which consumers fail: at most 6", fmt.Sprint(window.inSequence), window.inSequence <= 6},
	}
}

func auditGoals(largest growth, memory []audited) []goal {
	l, r := largest.byLatency, largest.byRate
	few, many, whole := memory[0], memory[2], memory[3]
	return []goal{
		{
			fmt.Sprintf("requests of an audit of %d data apps: one for each, and at most three", l.apps),
			fmt.Sprint(l.requests), l.requests <= l.apps+3 && r.requests <= r.apps+3,
		},
		{
			fmt.Sprintf("its time at most 1.1 times N·L/C = %.1f s", l.floor().Seconds()),
			times(l.ratio()), l.ratio() <= 1.1,
		},
		{
			fmt.Sprintf("its time at most 1.1 times N/R = %.1f s", r.floor().Seconds()),
			times(r.ratio()), r.ratio() <= 1.1,
		},
		{
			fmt.Sprintf("memory flat from %d to %d tokens in each data app", few.tokens, many.tokens),
			fmt.Sprintf("%+.0f MB", megabytes(many.peak-few.peak)), many.peak-few.peak < 8<<20,
		},
		{
			fmt.Sprintf("memory of an audit of %d × %d tokens below 128 MB", whole.apps, whole.tokens),
			fmt.Sprintf("%.0f MB", megabytes(whole.peak)), whole.peak < 128<<20,
		},
	}
}

func farGoals(all []farAudit) (goals []goal) {
	for _, a := range all {
		goals = append(goals, goal{
			fmt.Sprintf("time over a network, %d requests a minute: at most 1.1 times what the rate allows", a.perMinute),
			times(a.ratio()), a.ratio() <= 1.1,
		})
	}
	return goals
}

func enduranceGoals(all []endurance) (goals []goal) {
	for _, e := range all {
		grown := float64(e.end) / float64(e.after)
		goals = append(goals, goal{
			fmt.Sprintf("memory of %s after %d runs of an environment: at most 1.1 times that after %d",
				e.name, e.runs, e.early),
			times(grown), grown <= 1.1,
		})
	}
	return goals
}
