package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	audit "databrain-rotation/pkg/audit/report"
	"databrain-rotation/pkg/standin/databraintest"
	"databrain-rotation/pkg/standin/labtest"
)

// reading is a folder with the reports of an audit, and the tools that read them.
type reading struct {
	*workshop
	dir     string // of the reports
	python  string
	modules string
	details []audit.Detail // as findings.json has them
	summary audit.Summary
}

// readReports has the reports of an audit read by programs that others wrote.
func (w *workshop) readReports(ctx context.Context) {
	r := &reading{workshop: w, dir: filepath.Join(w.dir, "reports")}
	if !w.check(ctx, "what reads the reports is installed", func() error { return r.install(ctx) }) {
		return
	}
	if !w.check(ctx, "an audit of hostile names leaves its reports", func() error { return r.audit(ctx) }) {
		return
	}
	for _, reader := range []struct {
		name string
		read func(context.Context) error
	}{
		{"py-ocsf-models takes every finding", r.ocsf("models")},
		{"the published schema of OCSF 1.6.0 takes every finding", r.ocsf("schema")},
		{"botocore takes every import, and moto shows it", r.securityHub},
		{"jq reads findings.json and every time in it", r.jq},
		{"LibreOffice opens findings.csv as it was written", r.spreadsheet},
		{"LibreOffice runs no formula with another separator either", r.otherSeparators},
		{"axe-core finds nothing to object to in Chromium", r.accessible},
		{"the printed page has numbered pages", r.printed},
	} {
		w.check(ctx, reader.name, func() error { return reader.read(ctx) })
	}
}

func (r *reading) install(ctx context.Context) error {
	if _, err := output(ctx, r.installer(ctx, "desktop")); err != nil {
		return err
	}
	venv, err := output(ctx, r.installer(ctx, "readers"))
	if err != nil {
		return err
	}
	modules, err := output(ctx, r.installer(ctx, "page"))
	r.python = filepath.Join(strings.TrimSpace(venv), "bin", "python")
	r.modules = filepath.Join(strings.TrimSpace(modules), "node_modules")
	return err
}

// hostileNames try to leave the place that they are written to, or to become
// something else there.
var hostileNames = []string{
	`"quotes"`, `back\slash`, `\u0022`, "two\nlines", "\u202eright to left", "שלום عالم", "👩\u200d💻 team", "می\u200cخواهم",
	"Z" + strings.Repeat("\u0351\u0316", 40) + "algo", "  blanks  at  ends  ", "\u3000", "no\u00a0break",
	`=HYPERLINK("https://evil.example","x")`, "+1+1", "-2+3", "@SUM(A1)", " =1+1", `a;"=cmd`, "a\t=cmd", "＝1+1",
	"9209015257121e95", "0012", "3-4", "TRUE", "31.12.2026", "1,204", "12:30", "5 %",
	`<script>alert(1)</script>`, `</style><h1>`, `{{.Style}}`, "<title>", "&lt;b&gt;", strings.Repeat("Wide", 64),
	"Überschrift é",
}

// audit audits an instance with such names twice, under a policy that gets stricter, so
// that the second run has findings that are new, ongoing, resolved, superseded and
// suppressed. It keeps the reports of the second.
func (r *reading) audit(ctx context.Context) error {
	lab, err := labtest.Start(labtest.Config{})
	if err != nil {
		return err
	}
	defer lab.Close()
	now := time.Now()
	for run, days := range []int{90, 60} {
		policy := fmt.Sprintf(`{"maxAgeDays":%d,"exceptions":%s}`, days, hostileExceptions())
		lab.Databrain.SetDataApps(hostileApps(now, run))
		if err := r.run(ctx, lab, policy); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(r.dir, 0o700); err != nil {
		return err
	}
	for _, name := range []string{"report.html", "findings.json", "findings.csv", "findings.ocsf.json"} {
		object, found := lab.Objects.Object(labtest.Bucket, "databrain-audit/latest/"+name)
		if !found {
			return fmt.Errorf("%s was not stored", name)
		}
		if err := os.WriteFile(filepath.Join(r.dir, name), object.Body, 0o600); err != nil {
			return err
		}
		if name == "findings.json" {
			if err := json.Unmarshal(object.Body, &r.details); err != nil {
				return err
			}
		}
	}
	return r.everyState()
}

// hostileApps are what a run of an audit sees.
func hostileApps(now time.Time, run int) (apps []databraintest.DataApp) {
	for i, name := range hostileNames {
		tokens := []databraintest.APIToken{
			{Key: fmt.Sprintf("key-%d-old", i), Name: name, CreatedAt: now.AddDate(0, 0, -100-i*20)},
			{Key: fmt.Sprintf("key-%d-due", i), Name: name, CreatedAt: now.AddDate(0, 0, -80)},
		}
		if run == 1 && i%3 == 0 {
			tokens = tokens[1:] // the other one is resolved
		}
		apps = append(apps, databraintest.DataApp{Name: name, Tokens: tokens})
	}
	return apps
}

// run invokes the built function once, with further variables.
func (r *reading) run(ctx context.Context, lab *labtest.Lab, policy string, more ...string) error {
	env := with(lab.Audit(), more...)
	env["AUDIT_POLICY"], env["AUDIT_REQUESTS_PER_MINUTE"] = policy, "60000"
	function, err := r.startFunction(ctx, "AuditFunction", env)
	if err != nil {
		return err
	}
	defer function.Close()
	answer, err := invoke(ctx, function, []byte(`{}`))
	if err != nil {
		return err
	}
	return json.Unmarshal(answer, &r.summary)
}

func hostileExceptions() string {
	var exceptions []map[string]string
	for i, name := range hostileNames {
		exception := map[string]string{
			"id": fmt.Sprintf("%d %s", i, name), "reason": "because " + name, "owner": "by " + name,
			"expiresAt": "31.12.2026", "token": name + "-none",
		}
		if i%5 == 1 {
			exception["token"], exception["expiresAt"] = name, time.Now().AddDate(1, 0, 0).Format(time.DateOnly)
		}
		for member, text := range exception {
			if runes := []rune(text); len(runes) > 256 {
				exception[member] = string(runes[:256])
			}
		}
		exceptions = append(exceptions, exception)
	}
	text, err := json.Marshal(exceptions)
	if err != nil {
		panic(err) // texts are always JSON
	}
	return string(text)
}

// everyState wants the findings that the readers are to be shown.
func (r *reading) everyState() error {
	seen := make(map[string]int)
	for _, d := range r.details {
		state := string(d.Finding.State)
		if d.Finding.Superseded != "" {
			state = "superseded"
		}
		seen[state]++
	}
	for _, state := range []string{"new", "ongoing", "suppressed", "resolved", "superseded"} {
		if seen[state] == 0 {
			return fmt.Errorf("no finding is %s: %v", state, seen)
		}
	}
	if seen["superseded"]+seen["resolved"]+r.summary.Counts.Findings != len(r.details) {
		return fmt.Errorf("%v findings, the summary says %d", seen, r.summary.Counts.Findings)
	}
	return nil
}

func (r *reading) ocsf(reader string) func(context.Context) error {
	return func(ctx context.Context) error {
		script := filepath.Join(r.root, "scripts/e2e/readers/ocsf.py")
		taken, err := output(ctx, r.command(ctx, r.python, script, reader, filepath.Join(r.dir, "findings.ocsf.json")))
		if err != nil {
			return err
		}
		return r.all(taken)
	}
}

// all wants a reader to have seen every finding.
func (r *reading) all(count string) error {
	if n, err := strconv.Atoi(strings.TrimSpace(count)); err != nil || n != len(r.details) {
		return fmt.Errorf("it took %q of %d findings", strings.TrimSpace(count), len(r.details))
	}
	return nil
}

// jq reads the times too, and writes the names as it has read them.
func (r *reading) jq(ctx context.Context) error {
	path := filepath.Join(r.dir, "findings.json")
	const times = `[.. | strings | select(test("^[0-9]{4}-[0-9]{2}-[0-9]{2}T")) | fromdateiso8601] | length`
	out, err := output(ctx, r.command(ctx, "jq", times, path))
	if err != nil {
		return err
	}
	if n, err := strconv.Atoi(strings.TrimSpace(out)); err != nil || n < 3*len(r.details) {
		return fmt.Errorf("%q times in %d findings", out, len(r.details))
	}
	out, err = output(ctx, r.command(ctx, "jq", "[.[] | .token.name // null]", path))
	if err != nil {
		return err
	}
	var names []*string
	if err := json.Unmarshal([]byte(out), &names); err != nil || len(names) != len(r.details) {
		return fmt.Errorf("%d names in %d findings: %w", len(names), len(r.details), err)
	}
	for i, d := range r.details {
		if d.Token != nil && (names[i] == nil || *names[i] != d.Token.Name) {
			return fmt.Errorf("jq does not show the name %q", d.Token.Name)
		}
	}
	return nil
}
