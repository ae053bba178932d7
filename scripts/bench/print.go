package main

import (
	"fmt"
	"runtime"
	"time"
)

func printMachine(b builds, rounds int) {
	fmt.Printf("%s on %d cores (%s/%s), %s, boto3 as pinned. Medians of %d alternating rounds with the quartiles in brackets, "+
		"then the ratio to the SDK alone.\n", runtime.Version(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, b.pythonVersion, rounds)
}

// print writes each figure with its quartiles, and its ratio to the SDK alone.
func (s sideBySide) print() {
	fmt.Print("\n| |")
	for _, name := range functions() {
		fmt.Printf(" %s |", name)
	}
	fmt.Print("\n|---|--:|--:|--:|--:|--:|\n")
	for _, row := range []struct {
		title  string
		figure func(life) float64
	}{
		{"cold start, ms", cold}, {"first invocation, ms", first}, {"warm invocation, ms", warm}, {"peak memory, MB", peak},
	} {
		fmt.Printf("| %s |", row.title)
		for _, name := range functions() {
			ratio := spreadOf(ratios(s.of(name, row.figure), s.of(sdkAlone, row.figure)))
			fmt.Printf(" %v · %s |", spreadOf(s.of(name, row.figure)), times(ratio.median))
		}
		fmt.Println()
	}
	fmt.Print("| zip, MB |")
	for _, name := range functions() {
		size := s.zipped[name]
		fmt.Printf(" %.1f · %s |", megabytes(size), times(float64(size)/float64(s.zipped[sdkAlone])))
	}
	fmt.Print("\n| requests to AWS + Databrain |")
	for _, name := range functions() {
		l := s.lives[name][0]
		fmt.Printf(" %d + %d |", l.aws, l.api)
	}
	fmt.Println()
}

func printGrowth(all []growth) {
	fmt.Printf("\nGrowth of an audit. The instance answers after %d ms; once 16 requests may be in flight, once 30,000 be sent a minute.\n", latency.Milliseconds())
	fmt.Print("\n| data apps | requests | N·L/C, s | took, s | | N/R, s | took, s | | peak memory, MB |\n|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, g := range all {
		l, r := g.byLatency, g.byRate
		fmt.Printf("| %d | %d | %s | %s | %s | %s | %s | %s | %.0f |\n", l.apps, l.requests,
			seconds(l.floor()), seconds(l.wall), times(l.ratio()), seconds(r.floor()), seconds(r.wall), times(r.ratio()), megabytes(max(l.peak, r.peak)))
	}
}

func printMemory(all []audited) {
	fmt.Print("\nMemory of an audit, its second run, which has a state to compare with.\n")
	fmt.Print("\n| data apps | tokens of each | tokens | findings | peak memory, MB | took, s |\n|--:|--:|--:|--:|--:|--:|\n")
	for _, a := range all {
		fmt.Printf("| %d | %d | %d | %d | %.0f | %s |\n", a.apps, a.tokens, a.apps*a.tokens, a.findings, megabytes(a.peak), seconds(a.wall))
	}
}

// goal is something that a run should hold.
type goal struct {
	text, measured string
	held           bool
}

func printGoals(side sideBySide, all []growth, memory []audited) {
	fmt.Print("\n| goal | measured | |\n|---|--:|---|\n")
	goals := startGoals(side, rotate, 1.15)
	goals = append(goals, startGoals(side, audit, 1.5)...)
	goals = append(goals, auditGoals(all[len(all)-1], memory)...)
	for _, g := range goals {
		verdict := "held"
		if !g.held {
			verdict = "**missed**"
		}
		fmt.Printf("| %s | %s | %s |\n", g.text, g.measured, verdict)
	}
}

func startGoals(side sideBySide, function string, limit float64) []goal {
	start := func(of, to string) spread { return spreadOf(ratios(side.of(of, cold), side.of(to, cold))) }
	floor, python := start(function, sdkAlone), start(python, function)
	return []goal{
		{fmt.Sprintf("cold start of %s at most %v times that of the SDK alone", function, limit), floor.String(), floor.median <= limit},
		{fmt.Sprintf("cold start of %s over 10 times faster than Python's", function), python.String(), python.median > 10},
	}
}

func auditGoals(largest growth, memory []audited) []goal {
	l, r := largest.byLatency, largest.byRate
	few, many, whole := memory[0], memory[2], memory[3]
	return []goal{
		{fmt.Sprintf("requests of an audit of %d data apps: one for each, and one", l.apps), fmt.Sprint(l.requests), l.requests == l.apps+1 && r.requests == r.apps+1},
		{fmt.Sprintf("its time at most 1.1 times N·L/C = %.1f s", l.floor().Seconds()), times(l.ratio()), l.ratio() <= 1.1},
		{fmt.Sprintf("its time at most 1.1 times N/R = %.1f s", r.floor().Seconds()), times(r.ratio()), r.ratio() <= 1.1},
		{fmt.Sprintf("memory flat from %d to %d tokens in each data app", few.tokens, many.tokens),
			fmt.Sprintf("%+.0f MB", megabytes(many.peak-few.peak)), many.peak-few.peak < 8<<20},
		{fmt.Sprintf("memory of an audit of %d × %d tokens below 128 MB", whole.apps, whole.tokens),
			fmt.Sprintf("%.0f MB", megabytes(whole.peak)), whole.peak < 128<<20},
	}
}

// What Lambda costs in us-east-1 on arm64, in dollars (AWS Lambda pricing, without
// the free tier).
const (
	perGigabyteSecond = 0.0000133334
	perInvocation     = 0.0000002
)

// printCost writes what a month costs at a memory size: a rotation whose steps take
// a second each, and a daily audit at the default rate, which decides how long it
// takes.
func printCost() {
	const perMinute, days, steps = 200, 30, 4
	sizes := []int{100, 1000, 2800}
	fmt.Print("\n| dollars a month | one rotation |")
	for _, apps := range sizes {
		fmt.Printf(" daily audit of %d |", apps)
	}
	fmt.Print("\n|---|--:|--:|--:|--:|\n")
	for _, memory := range []int{128, 256, 512} {
		cost := func(invocations int, each time.Duration) float64 {
			return float64(invocations) * (perInvocation + float64(memory)/1024*each.Seconds()*perGigabyteSecond)
		}
		fmt.Printf("| %d MB | %.5f |", memory, cost(steps, time.Second))
		for _, apps := range sizes {
			fmt.Printf(" %.3f |", cost(days, time.Duration(apps)*time.Minute/perMinute))
		}
		fmt.Println()
	}
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f", d.Seconds()) }
