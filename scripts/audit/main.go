// Command audit audits a Databrain instance from this machine, without AWS. It only
// reads the instance. It shows the findings and writes the same reports as the function.
//
//	DATABRAIN_BASE_URL=https://databrain.example.com sh scripts/audit.sh -fail-on medium
//
// The service token comes from a prompt, a pipe or DATABRAIN_SERVICE_TOKEN. It is no
// argument: other users of the machine see those, and shells keep them.
//
// The exit status is 1 if the audit failed or could not leave its reports. It is 3 if a
// finding is at or above -fail-on: a finding holds, whatever else could not be read. It
// is 4 if the audit is partial otherwise, because what was not read is no finding on a
// token, and 0 if nothing of this is so. What an exception of the policy accepts does
// not count.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"databrain-rotation/pkg/audit/finding"
	"databrain-rotation/pkg/audit/report"
	"databrain-rotation/scripts/console"
)

// The exit statuses.
const (
	clean    = 0
	failed   = 1
	findings = 3
	partial  = 4
)

// version is set by the build (-X main.version).
var version = "dev"

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr))
}

// run audits and returns the exit status. The findings go to out; prompts, progress and
// what went wrong go to notes.
func run(ctx context.Context, args []string, getenv func(string) string, in io.Reader, out, notes io.Writer) int {
	o, err := parse(args, getenv, notes)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return clean
	case err != nil:
		fmt.Fprintf(notes, "audit: %v; Databrain was not asked\n", err)
		return failed
	}
	token, err := serviceToken(getenv, bufio.NewReader(in), notes)
	if err != nil {
		fmt.Fprintf(notes, "audit: %v; Databrain was not asked\n", err)
		return failed
	}
	r := &report.Report{Version: version}
	runID := uuid.NewString()
	r.Summary.Schema, r.Summary.RunID, r.Summary.Instance = report.SummarySchema, runID, instanceURL(o)
	r.EventBase = runID
	progress := &progress{w: notes, overwrite: console.Is(notes), now: time.Now, begun: time.Now()}
	next, failure := o.observe(ctx, r, token, progress)
	written := o.write(r, next)
	o.show(out, r, failure)
	for _, err := range []error{failure, written} {
		if err != nil {
			fmt.Fprintf(notes, "audit: %v\n", err)
		}
	}
	if failure != nil || written != nil {
		return failed
	}
	code := status(r, o.failOn)
	switch code {
	case findings:
		fmt.Fprintf(notes, "status %d: there is a finding of severity %s or above that no exception accepts\n",
			code, o.failOn)
	case partial:
		fmt.Fprintf(notes, "status %d: something could not be read\n", code)
	}
	return code
}

// status is that of an audit that did not fail.
func status(r *report.Report, failOn finding.Severity) int {
	counts := func(f finding.Finding) bool {
		return f.Gap == nil && f.State != finding.Suppressed && f.Severity.Rank() >= failOn.Rank()
	}
	switch {
	case slices.ContainsFunc(r.Findings, counts):
		return findings
	case r.Summary.Status == report.Partial:
		return partial
	}
	return clean
}

// write leaves the reports, then the state for the next run if it is asked for.
func (o *options) write(r *report.Report, next finding.Snapshot) error {
	if err := os.MkdirAll(o.out, 0o755); err != nil {
		return fmt.Errorf("the reports were not written: %w", err)
	}
	for _, file := range report.Files() {
		name := filepath.Join(o.out, file.Name)
		if err := replace(name, func(w io.Writer) error { return file.Write(w, r) }); err != nil {
			return fmt.Errorf("%s was not written, and no state was stored: %w", name, err)
		}
	}
	if o.state == "" {
		return nil
	}
	if err := replace(o.state, func(w io.Writer) error { return finding.WriteSnapshot(w, next) }); err != nil {
		return fmt.Errorf("the state was not stored, so the next audit repeats what is new in this one: %w", err)
	}
	return nil
}

// replace writes a file under another name first, so that a failure leaves the old one
// whole.
func replace(name string, write func(io.Writer) error) error {
	file, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name()) // fails once it has its name
	w := bufio.NewWriter(file)
	if err := errors.Join(write(w), w.Flush(), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), name)
}

// show prints the findings and the outcome. What made the audit fail is printed by run.
func (o *options) show(out io.Writer, r *report.Report, failure error) {
	s := &r.Summary
	if len(s.Worst) > 0 {
		fmt.Fprintln(out, strings.Join(console.Columns(o.table(s)), "\n"))
	}
	if more := s.Counts.Findings - len(s.Worst); more > 0 {
		fmt.Fprintf(out, "  and %d more, in %s\n", more, filepath.Join(o.out, "findings.csv"))
	}
	c, count := s.Counts, console.Count
	changes := fmt.Sprintf("%d new, %d suppressed, %d resolved", c.New, c.Suppressed, c.Resolved)
	if o.state == "" {
		changes = fmt.Sprintf("%d suppressed", c.Suppressed)
	}
	fmt.Fprintf(out, "\n%s: %d of %s read, %s, %d stale; %s, %s; %s\n", s.Status, c.Covered, count(c.DataApps, "data app"),
		count(c.Tokens, "token"), c.Stale, count(c.Findings, "finding"), changes, count(s.Requests, "request"))
	for _, note := range s.Notes {
		if failure == nil || note != finding.Plain(failure.Error()) {
			fmt.Fprintf(out, "note: %s\n", note)
		}
	}
	page := filepath.Join(o.out, report.PageName)
	fmt.Fprintf(out, "report: %s, and %s beside it\n", page, strings.Join(report.Beside(), ", "))
}

// table is that of the findings. Without a state nobody knows which are new, so of their
// states it has none but that of an accepted one.
func (o *options) table(s *report.Summary) [][]string {
	rows := console.Findings(s.Worst)
	const state = 2 // the column
	for i := range rows {
		switch {
		case o.state != "":
		case s.Counts.Suppressed == 0:
			rows[i] = slices.Delete(rows[i], state, state+1)
		case i > 0 && s.Worst[i-1].Finding.State != finding.Suppressed:
			rows[i][state] = ""
		}
	}
	return rows
}

// progress tells of a long run: on a terminal in one line, elsewhere in a line now and
// then.
type progress struct {
	w         io.Writer
	overwrite bool
	now       func() time.Time
	begun     time.Time
	last      time.Time // when it was shown
}

// How long a run takes before progress is shown, and how often it is shown where a line
// is overwritten and where it is not.
const (
	quiet = 2 * time.Second
	often = 200 * time.Millisecond
	rare  = 10 * time.Second
)

func (p *progress) show(done, apps int) {
	now := p.now()
	took := now.Sub(p.begun)
	pause, end := rare, "\n"
	if p.overwrite {
		pause, end = often, "\x1b[K\r" // over what a longer line has left
	}
	switch {
	case p.overwrite && done == apps && !p.last.IsZero():
		fmt.Fprint(p.w, "\r\x1b[K") // gone, for the table to stand alone
	case took >= quiet && now.Sub(p.last) >= pause && done < apps:
		p.last = now
		left := time.Duration(float64(took) / float64(done) * float64(apps-done)).Round(time.Second)
		fmt.Fprintf(p.w, "%d of %d data apps read, about %s left%s", done, apps, left, end)
	}
}

// pause tells why nothing goes on for a while.
func (p *progress) pause(d time.Duration) {
	end := "\n"
	if p.overwrite {
		end = "\x1b[K\n"
	}
	fmt.Fprintf(p.w, "Databrain asks for a pause (429): the audit goes on in about %s%s", d.Round(time.Second), end)
}
