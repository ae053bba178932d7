package main

import (
	"fmt"
	"io"
	"runtime"
	"time"
)

func printMachine(w io.Writer, b builds, rounds int) {
	fmt.Fprintf(w, "%s on %d cores (%s/%s) with a load average of %s before the run, %s, boto3 as pinned. Each cell "+
		"has the median of %d alternating rounds, the quartiles in brackets, and the median of the ratios to the SDK "+
		"alone.\n",
		runtime.Version(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, b.load, b.pythonVersion, rounds)
}

// print writes each figure with its quartiles, and its ratio to the SDK alone.
func (s sideBySide) print(w io.Writer) {
	fmt.Fprint(w, "\n| |")
	for _, name := range functions() {
		fmt.Fprintf(w, " %s |", name)
	}
	fmt.Fprint(w, "\n|---|--:|--:|--:|--:|--:|--:|\n")
	for _, row := range []struct {
		title  string
		figure func(life) float64
	}{
		{"cold start, ms", cold}, {"first invocation, ms", first},
		{"warm invocation, ms", warm}, {"peak memory, MB", peak},
	} {
		fmt.Fprintf(w, "| %s |", row.title)
		for _, name := range functions() {
			ratio := spreadOf(ratios(s.of(name, row.figure), s.of(sdkAlone, row.figure)))
			fmt.Fprintf(w, " %v · %s |", spreadOf(s.of(name, row.figure)), times(ratio.median))
		}
		fmt.Fprintln(w)
	}
	fmt.Fprint(w, "| zip, MB |")
	for _, name := range functions() {
		size := s.zipped[name]
		fmt.Fprintf(w, " %.1f · %s |", megabytes(size), times(float64(size)/float64(s.zipped[sdkAlone])))
	}
	fmt.Fprint(w, "\n| requests to AWS + Databrain |")
	for _, name := range functions() {
		l := s.lives[name][0]
		fmt.Fprintf(w, " %d + %d |", l.aws, l.api)
	}
	fmt.Fprintln(w)
}

func printGrowth(w io.Writer, all []growth) {
	fmt.Fprintf(w, "The instance answers after L = %d ms. In one series C = 16 requests may be in flight, in the other "+
		"R = 30,000 requests may be sent in a minute.\n", latency.Milliseconds())
	fmt.Fprint(w, "\n| data apps | requests | N·L/C, s | took, s | | N/R, s | took, s | | peak memory, MB |\n"+
		"|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, g := range all {
		l, r := g.byLatency, g.byRate
		fmt.Fprintf(w, "| %d | %d | %s | %s | %s | %s | %s | %s | %.0f |\n", l.apps, l.requests,
			seconds(l.floor()), seconds(l.wall), times(l.ratio()),
			seconds(r.floor()), seconds(r.wall), times(r.ratio()), megabytes(max(l.peak, r.peak)))
	}
}

func printMemory(w io.Writer, all []audited) {
	fmt.Fprint(w, "Memory and temporary files of the second run of an audit, which has a state to compare with.\n")
	fmt.Fprint(w, "\n| data apps | tokens of each | tokens | findings | peak memory, MB | disk, MB | took, s |\n"+
		"|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, a := range all {
		fmt.Fprintf(w, "| %d | %d | %d | %d | %.0f | %.1f | %s |\n", a.apps, a.tokens, a.apps*a.tokens, a.findings,
			megabytes(a.peak), megabytes(a.disk), seconds(a.wall))
	}
}

func printEndurance(w io.Writer, all []endurance) {
	fmt.Fprint(w, "| | runs | peak memory, MB | runs | peak memory, MB |\n|---|--:|--:|--:|--:|\n")
	for _, e := range all {
		fmt.Fprintf(w, "| %s | %d | %.1f | %d | %.1f |\n", e.name, e.early, megabytes(e.after), e.runs, megabytes(e.end))
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
func printCost(w io.Writer) {
	const perMinute, days, steps = 200, 30, 4
	sizes := []int{100, 1000, 2800}
	fmt.Fprint(w, "| dollars a month | one rotation |")
	for _, apps := range sizes {
		fmt.Fprintf(w, " daily audit of %d |", apps)
	}
	fmt.Fprint(w, "\n|---|--:|--:|--:|--:|\n")
	for _, memory := range []int{128, 256, 512} {
		cost := func(invocations int, each time.Duration) float64 {
			return float64(invocations) * (perInvocation + float64(memory)/1024*each.Seconds()*perGigabyteSecond)
		}
		fmt.Fprintf(w, "| %d MB | %.5f |", memory, cost(steps, time.Second))
		for _, apps := range sizes {
			fmt.Fprintf(w, " %.3f |", cost(days, time.Duration(apps)*time.Minute/perMinute))
		}
		fmt.Fprintln(w)
	}
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f", d.Seconds()) }
