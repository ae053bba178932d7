package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"databrain-rotation/pkg/audit/finding"
	"databrain-rotation/pkg/audit/report"
	"databrain-rotation/pkg/standin"
	"databrain-rotation/pkg/standin/databraintest"
	"databrain-rotation/pkg/standin/labtest"
	"databrain-rotation/pkg/standin/runtimetest"
	"databrain-rotation/scripts/console"
)

const reportFile = "build/report.html"

// dataApps are the documentation's examples, with others beside them that show the
// other kinds of findings.
func dataApps() []databraintest.DataApp {
	days := func(n int) time.Time { return time.Now().Add(-time.Duration(n) * 24 * time.Hour) }
	app := func(name string, tokens ...databraintest.APIToken) databraintest.DataApp {
		return databraintest.DataApp{Name: name, CreatedAt: days(400), UpdatedAt: days(30), Tokens: tokens}
	}
	key := func(name string, age int) databraintest.APIToken {
		return databraintest.APIToken{Key: uuid.NewString(), Name: name, CreatedAt: days(age)}
	}
	undated := func(name, date string) databraintest.APIToken {
		id := uuid.NewString()
		return databraintest.APIToken{
			Key:  id,
			Name: name,
			Raw:  fmt.Sprintf(`{"key":%q,"name":%q,"createdAt":%s}`, id, name, date),
		}
	}
	return append(databraintest.ExampleDataApps(),
		app("ETL", key("nightly", 300), key("hourly", 20)),
		app("Field Sales", key("tablet", 100), key("kiosk", 210), key("web", 80), key("web, new", 3)),
		app("Imported", undated("no date", "null"), undated("tomorrow", strconv.Quote(days(-1).UTC().Format(time.RFC3339)))),
		app("Locked", key("unseen", 500)))
}

// policy has a rule, and an exception of each standing: near its expiry, expired,
// and matching nothing.
func policy() string {
	day := func(n int) string { return time.Now().AddDate(0, 0, n).UTC().Format(time.DateOnly) }
	return fmt.Sprintf(`{"rules":[{"id":"customers","dataApp":"Customer *","maxAgeDays":30}],"exceptions":[
		{"id":"legacy-etl","dataApp":"ETL","token":"nightly","reason":"the vendor rotates next quarter","owner":"data-platform","expiresAt":%q},
		{"id":"kiosk-2025","dataApp":"Field Sales","token":"kiosk","reason":"kiosks were to be replaced","owner":"sales-it","expiresAt":%q},
		{"id":"pilot","dataApp":"Pilot *","reason":"pilot phase","owner":"sales-it","expiresAt":%q}]}`, day(6), day(-40), day(60))
}

// auditAct is three runs of the built function.
type auditAct struct{ *stage }

func (a auditAct) play(ctx context.Context) error {
	a.title("5. An audit, with one data app that may not be read")
	env := a.lab.Audit()
	env["AUDIT_POLICY"] = policy()
	function, err := a.function(ctx, "audit", env)
	if err != nil {
		return err
	}
	defer function.Close()
	locked := func(r *http.Request) bool { return r.URL.Query().Get("dataAppName") == "Locked" }
	a.lab.Databrain.Inject(
		standin.Fault{When: locked, Do: databraintest.Error(http.StatusForbidden, "FORBIDDEN", "forbidden"), Times: -1},
	)
	first, err := a.run(ctx, function)
	if err != nil {
		return err
	}
	a.promise(
		first.Status == report.Partial && first.Counts.Gaps == 1,
		"what could not be read is a gap: the audit is partial, not clean",
	)
	a.promise(
		first.Counts.Stale == 6,
		"%d stale tokens are found: 3 of the documentation's example, and kiosk, nightly and tablet",
		first.Counts.Stale,
	)
	a.promise(
		first.Counts.New+first.Counts.Suppressed == first.Counts.Findings,
		"every finding is new, or covered by an exception",
	)
	a.promise(a.lastEvent() == "Databrain Audit Completed", "the event that ends the audit came last")

	a.title("6. The next audit, after the tablet's token was replaced and the locked data app was opened")
	a.replaceTablet()
	a.lab.Databrain.ClearFaults()
	second, err := a.run(ctx, function)
	if err != nil {
		return err
	}
	a.promise(
		second.Status == report.Complete && second.Counts.Resolved == 2,
		"the audit is complete, and resolves the tablet's finding and the gap's",
	)
	a.promise(
		second.Counts.New == 2,
		"new is what could not be known before: the unseen token, and an exception that nothing matches",
	)
	if err := a.saveReport(); err != nil {
		return err
	}
	return a.playNeglected(ctx)
}

// playNeglected audits an instance whose list cannot be read, and a secret that
// nobody rotates.
func (a auditAct) playNeglected(ctx context.Context) error {
	a.title("7. An audit that fails, of a service token that nobody rotates")
	longAgo := time.Now().AddDate(0, 0, -200)
	lab, err := labtest.Start(labtest.Config{Clock: func() time.Time { return longAgo }})
	if err != nil {
		return err
	}
	defer lab.Close()
	if err := lab.Secrets.SetLabels(labtest.TokenSecret, labtest.Version, "AWSPENDING"); err != nil {
		return err
	}
	lab.Databrain.Inject(standin.Fault{Do: databraintest.Error(http.StatusForbidden, "FORBIDDEN", "forbidden"), Times: -1})
	neglected := auditAct{&stage{screen: a.screen, lab: lab}}
	function, err := neglected.function(ctx, "audit", lab.Audit())
	if err != nil {
		return err
	}
	defer function.Close()
	result, err := neglected.invoke(ctx, function)
	if err != nil {
		return err
	}
	a.logs.Write(neglected.logs.Bytes())
	if result.Err != nil {
		a.paragraph(result.Err.Type + ": " + result.Err.Message)
	}
	a.promise(result.Err != nil, "the invocation is an error, so that an alarm can see it")
	checks := make(map[finding.Check]bool)
	for _, entry := range lab.Events.Entries() {
		var detail struct {
			Finding struct {
				Check finding.Check `json:"check"`
			} `json:"finding"`
		}
		if err := json.Unmarshal([]byte(entry.Detail), &detail); err != nil {
			return err
		}
		checks[detail.Finding.Check] = true
	}
	for _, check := range []finding.Check{finding.DataAppsUnlistable, finding.ServiceTokenAge,
		finding.ServiceTokenRotationStuck} {
		a.promise(checks[check], "an event says %s", check)
	}
	a.promise(neglected.lastEvent() == "Databrain Audit Completed", "the event that ends the audit came last")
	return nil
}

func (a auditAct) invoke(ctx context.Context, function *runtimetest.Function) (runtimetest.Result, error) {
	payload, err := os.ReadFile("events/audit-scheduled.json")
	if err != nil {
		return runtimetest.Result{}, err
	}
	return function.Invoke(ctx, payload, runtimetest.Options{})
}

// run audits and shows the summary.
func (a auditAct) run(ctx context.Context, function *runtimetest.Function) (report.Summary, error) {
	var s report.Summary
	events := len(a.lab.Events.Entries())
	result, err := a.invoke(ctx, function)
	if err != nil {
		return s, err
	}
	if result.Err != nil {
		return s, result.Err
	}
	if err := json.Unmarshal(result.Payload, &s); err != nil {
		return s, err
	}
	a.table(console.Findings(s.Worst))
	a.printf(
		"\n  %s: %d of %d data apps read, %d tokens, %d stale, %d findings (%d new, %d ongoing, %d suppressed), %d "+
			"resolved\n",
		s.Status,
		s.Counts.Covered,
		s.Counts.DataApps,
		s.Counts.Tokens,
		s.Counts.Stale,
		s.Counts.Findings,
		s.Counts.New,
		s.Counts.Ongoing,
		s.Counts.Suppressed,
		s.Counts.Resolved,
	)
	a.printf(
		"  %d requests to Databrain, %d events, %s\n\n",
		s.Requests,
		len(a.lab.Events.Entries())-events,
		ms(result.Duration),
	)
	return s, nil
}

func (a auditAct) lastEvent() string {
	entries := a.lab.Events.Entries()
	if len(entries) == 0 {
		return ""
	}
	return entries[len(entries)-1].DetailType
}

// replaceTablet gives the tablet a new token, as its owner would after an event.
func (a auditAct) replaceTablet() {
	for i, app := range a.apps {
		for j, token := range app.Tokens {
			if token.Name == "tablet" {
				a.apps[i].Tokens[j] = databraintest.APIToken{Key: uuid.NewString(), Name: token.Name, CreatedAt: time.Now()}
			}
		}
	}
	a.lab.Databrain.SetDataApps(a.apps)
}

// saveReport copies the report of the last run from S3, with the files that the page
// links to.
func (a auditAct) saveReport() error {
	const latest = "databrain-audit/latest/"
	var page []byte
	for _, name := range []string{"findings.json", "findings.csv", "findings.ocsf.json", filepath.Base(reportFile)} {
		object, found := a.lab.Objects.Object(labtest.Bucket, latest+name)
		if !found {
			a.promise(false, "the report is in S3 at %s", latest+name)
			return nil
		}
		page = object.Body
		if err := os.WriteFile(filepath.Join(filepath.Dir(reportFile), name), page, 0o644); err != nil {
			return err
		}
	}
	a.promise(
		bytes.Contains(page, []byte("</html>")),
		"the report is a whole page: %s (%d KB)",
		reportFile,
		len(page)/1024,
	)
	return nil
}

// leaks reports whether anything that was shown, logged, sent or stored holds a
// credential.
func leaks(st *stage) bool {
	all := []string{st.shown.String(), st.logs.String()}
	for _, entry := range st.lab.Events.Entries() {
		all = append(all, entry.Detail)
	}
	for _, object := range st.lab.Objects.Objects() {
		all = append(all, string(object.Body))
	}
	text := strings.Join(all, "\n")
	return slices.ContainsFunc(
		st.credentials(),
		func(credential string) bool { return strings.Contains(text, credential) },
	)
}

// credentials are all that the stage has seen: keys of API tokens, every service
// token, the admin's password, and how each JWT begins.
func (st *stage) credentials() []string {
	all := []string{databraintest.ExamplePassword, "eyJ"}
	for _, app := range st.apps {
		for _, token := range app.Tokens {
			all = append(all, token.Key)
		}
	}
	for _, version := range st.lab.Secrets.Snapshot(labtest.TokenSecret) {
		value, _ := st.lab.Secrets.Value(labtest.TokenSecret, version.ID)
		all = append(all, tokenOf(value))
	}
	for _, version := range st.lab.Secrets.Snapshot(labtest.APITokenSecret) {
		value, _ := st.lab.Secrets.Value(labtest.APITokenSecret, version.ID)
		all = append(all, keyOf(value))
	}
	return all
}
