package main

import (
	"fmt"
	"runtime"
	"time"
)

func printMachine(b builds, rounds int) {
	fmt.Printf("%s on %d cores (%s/%s), %s, boto3 as pinned. Medians of %d alternating rounds with the quartiles in "+
		"brackets, then the ratio to the SDK alone.\n",
		runtime.Version(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, b.pythonVersion, rounds)
}

// print writes each figure with its quartiles, and its ratio to the SDK alone.
func (s sideBySide) print() {
	fmt.Print("\n| |")
	for _, name := range functions() {
		fmt.Printf(" %s |", name)
	}
	fmt.Print("\n|---|--:|--:|--:|--:|--:|--:|\n")
	for _, row := range []struct {
		title  string
		figure func(life) float64
	}{
		{"cold start, ms", cold}, {"first invocation, ms", first},
		{"warm invocation, ms", warm}, {"peak memory, MB", peak},
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
	fmt.Printf("\nGrowth of an audit. The instance answers after %d ms. Once 16 requests may be in flight, once 30,000 "+
		"be sent a minute.\n", latency.Milliseconds())
	fmt.Print("\n| data apps | requests | N·L/C, s | took, s | | N/R, s | took, s | | peak memory, MB |\n" +
		"|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, g := range all {
		l, r := g.byLatency, g.byRate
		fmt.Printf("| %d | %d | %s | %s | %s | %s | %s | %s | %.0f |\n", l.apps, l.requests,
			seconds(l.floor()), seconds(l.wall), times(l.ratio()),
			seconds(r.floor()), seconds(r.wall), times(r.ratio()), megabytes(max(l.peak, r.peak)))
	}
}

func printMemory(all []audited) {
	fmt.Print("\nMemory and temporary files of an audit, its second run, which has a state to compare with.\n")
	fmt.Print("\n| data apps | tokens of each | tokens | findings | peak memory, MB | disk, MB | took, s |\n" +
		"|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, a := range all {
		fmt.Printf("| %d | %d | %d | %d | %.0f | %.1f | %s |\n", a.apps, a.tokens, a.apps*a.tokens, a.findings,
			megabytes(a.peak), megabytes(a.disk), seconds(a.wall))
	}
}

func printEndurance(all []endurance) {
	fmt.Print("\nMemory of one environment that lasts.\n\n" +
		"| | runs | peak memory, MB | runs | peak memory, MB |\n|---|--:|--:|--:|--:|\n")
	for _, e := range all {
		fmt.Printf("| %s | %d | %.1f | %d | %.1f |\n", e.name, e.early, megabytes(e.after), e.runs, megabytes(e.end))
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
