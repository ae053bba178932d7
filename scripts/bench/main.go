// Command bench measures the built functions beside what people would use instead,
// on this machine, in one run:
//
//	make bench
//
// Every function runs as a process of its own under a stand-in of the Lambda
// Runtime API, against stand-ins of AWS and Databrain on loopback. The references:
//
//   - bare: a Go function that does nothing
//   - SDK alone: a Go function with the client of Secrets Manager and nothing else,
//     the floor for whatever talks to it
//   - SDK, 3 clients: the same with those of S3 and EventBridge, which the audit needs
//   - Python: a rotation function with boto3 that makes the same requests, each after the other
//
// The functions take turns, so that a busy moment of the machine strikes all of
// them. Figures are medians with their quartiles; a ratio is the median of the
// ratios within one round.
//
// It prints Markdown on standard output and what it is doing on standard error. With
// -update it writes the same into its README.
// The inner parts have Go benchmarks of their own; to compare two versions of them:
//
//	go test -run '^$' -bench . -count 10 ./pkg/... >old.txt
//	… change …
//	go test -run '^$' -bench . -count 10 ./pkg/... >new.txt
//	go run golang.org/x/perf/cmd/benchstat@v0.0.0-20260908200009-22c9c6c9d4da old.txt new.txt
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"
)

func main() {
	rounds := flag.Int("rounds", 40, "how often each function is started")
	update := flag.Bool("update", false, "write the figures into "+readme+" and "+chart)
	largest := flag.Int("largest", 10_000, "data apps of the largest audit")
	var far distances
	flag.DurationVar(&far.aws, "aws", 10*time.Millisecond, "round trip to AWS over the network")
	flag.DurationVar(&far.databrain, "databrain", 30*time.Millisecond, "round trip to Databrain over the network")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *rounds, *largest, far, *update); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// figures are what one run measures.
type figures struct {
	side      sideBySide
	crossings map[string]*crossings
	growth    []growth
	memory    []audited
	far       []farAudit
	endurance []endurance
}

func run(ctx context.Context, rounds, largest int, far distances, update bool) error {
	note("building")
	built, err := build(ctx)
	if err != nil {
		return err
	}
	defer os.RemoveAll(built.dir)
	f, err := measure(ctx, built, rounds, largest, far)
	if err != nil {
		return err
	}
	all := sections(f, built, rounds, far)
	for _, part := range all {
		fmt.Println(part.text)
	}
	if !update {
		return nil
	}
	return errors.Join(updateFile(readme, all), os.WriteFile(chart, draw(f.growth, f.memory), 0o644))
}

func measure(ctx context.Context, built builds, rounds, largest int, far distances) (f figures, err error) {
	if f.side, err = measureSideBySide(ctx, built, rounds); err != nil {
		return f, err
	}
	if f.crossings, err = measureCrossings(ctx, built, far, (rounds+3)/4); err != nil {
		return f, err
	}
	if f.far, err = measureFar(ctx, built, far); err != nil {
		return f, err
	}
	if f.growth, err = measureGrowth(ctx, built, largest); err != nil {
		return f, err
	}
	if f.memory, err = measureMemory(ctx, built, largest); err != nil {
		return f, err
	}
	f.endurance, err = measureEndurance(ctx, built)
	return f, err
}

func note(format string, args ...any) { fmt.Fprintf(os.Stderr, "bench: "+format+"\n", args...) }
