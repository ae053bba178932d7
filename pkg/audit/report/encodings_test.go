package report_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"databrain-rotation/pkg/audit/finding"
	"databrain-rotation/pkg/audit/report"

	"github.com/google/go-cmp/cmp"
)

// encodedAs says where each member of a finding stands in the other encodings:
// its column in findings.csv and its path in findings.ocsf.json.
var encodedAs = map[string]struct{ csv, ocsf string }{
	"metadata.schema":        {"schema", "metadata.log_version"},
	"metadata.eventId":       {"event_id", "metadata.uid"},
	"metadata.runId":         {"run_id", "metadata.correlation_uid"},
	"metadata.emittedAt":     {"emitted_at", "time"},
	"finding.id":             {"finding_id", "finding_info.uid"},
	"finding.check":          {"check", "finding_info.types.0"},
	"finding.state":          {"state", "unmapped.state"},
	"finding.severity":       {"severity", "severity"},
	"finding.raisedFrom":     {"severity_raised_from", "unmapped.raisedFrom"},
	"finding.supersededBy":   {"superseded_by", "unmapped.supersededBy"},
	"finding.compliance":     {"compliance", "compliance.status"},
	"finding.title":          {"title", "finding_info.title"},
	"finding.description":    {"description", "finding_info.desc"},
	"finding.firstSeenAt":    {"first_seen_at", "finding_info.first_seen_time"},
	"finding.lastSeenAt":     {"last_seen_at", "finding_info.last_seen_time"},
	"dataApp.name":           {"data_app", "dataApp"},
	"token.fingerprint":      {"token_fingerprint", "token.uid"},
	"token.name":             {"token_name", "token.name"},
	"token.createdAt":        {"token_created_at", "token.created_time"},
	"token.ageDays":          {"token_age_days", "unmapped.ageDays"},
	"token.staleSince":       {"token_stale_since", "unmapped.staleSince"},
	"managedBy.secret":       {"managed_by_secret", "unmapped.managedBy.secret"},
	"managedBy.rotation":     {"managed_by_rotation", "unmapped.managedBy.rotation"},
	"managedBy.nextRotation": {"managed_by_next_rotation", "unmapped.managedBy.nextRotation"},
	"managedBy.also.0":       {"managed_by_also", "unmapped.managedBy.also.0"},
	"exception.id":           {"exception_id", "unmapped.exception.id"},
	"exception.reason":       {"exception_reason", "unmapped.exception.reason"},
	"exception.owner":        {"exception_owner", "unmapped.exception.owner"},
	"exception.expiresAt":    {"exception_expires_at", "unmapped.exception.expiresAt"},
	"policy.rule":            {"policy_rule", "compliance.control_parameters.0.value"},
	"policy.maxAgeDays":      {"policy_max_age_days", "compliance.control_parameters.1.value"},
	"instance.url":           {"instance", "instance"},
	"remediation.text":       {"remediation", "remediation.desc"},
	"remediation.url":        {"remediation_url", "remediation.references.0"},
}

// TestEncodingsAgree decodes the three encodings of the same findings and
// compares them member by member.
func TestEncodingsAgree(t *testing.T) {
	t.Parallel()
	all := reports()
	all["hostile"], all["large"] = cleaned(hostileReport()), largeReport(60)
	for name, r := range all {
		t.Run(name, func(t *testing.T) {
			fromJSON, fromCSV, fromOCSF := decodeJSON(t, r), decodeCSV(t, r), decodeOCSF(t, r)
			want := details(r)
			if len(fromJSON) != len(want) || len(fromCSV) != len(want) || len(fromOCSF) != len(want) {
				t.Fatalf("%d findings: %d in JSON, %d in CSV, %d in OCSF", len(want), len(fromJSON), len(fromCSV), len(fromOCSF))
			}
			for i := range want {
				if diff := cmp.Diff(want[i], fromJSON[i]); diff != "" {
					t.Fatalf("finding %d in JSON (-want +got):\n%s", i, diff)
				}
				flat := flatten(t, want[i])
				asCSV, asOCSF := map[string]string{}, map[string]string{}
				for path, value := range flat {
					place, known := encodedAs[path]
					if !known {
						t.Fatalf("%s stands in no other encoding", path)
					}
					asCSV[place.csv], asOCSF[place.ocsf] = value, value
				}
				if diff := cmp.Diff(asCSV, fromCSV[i]); diff != "" {
					t.Fatalf("finding %d in CSV (-want +got):\n%s", i, diff)
				}
				if diff := cmp.Diff(millis(asOCSF), ocsfRecord(t, fromOCSF[i], asOCSF)); diff != "" {
					t.Fatalf("finding %d in OCSF (-want +got):\n%s", i, diff)
				}
			}
		})
	}
}

// cleaned is r with the names as the audit lets them in.
func cleaned(r *report.Report) *report.Report {
	for i := range r.Findings {
		f := &r.Findings[i]
		f.DataApp = finding.CleanName(f.DataApp)
		if f.Token != nil {
			f.Token.Name = finding.CleanName(f.Token.Name)
		}
		if e := f.Exception; e != nil {
			*e = finding.Exception{
				ID:        finding.CleanName(e.ID),
				Reason:    finding.CleanName(e.Reason),
				Owner:     finding.CleanName(e.Owner),
				ExpiresAt: finding.CleanName(e.ExpiresAt),
			}
		}
	}
	return r
}

func details(r *report.Report) []report.Detail {
	var out []report.Detail
	for _, findings := range [][]finding.Finding{r.Findings, r.Resolved, r.Superseded} {
		for i := range findings {
			out = append(out, r.Detail(&findings[i]))
		}
	}
	return out
}

func decodeJSON(t *testing.T, r *report.Report) []report.Detail {
	t.Helper()
	var buf bytes.Buffer
	if err := report.WriteJSON(&buf, r); err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(&buf)
	decoder.DisallowUnknownFields()
	var out []report.Detail
	if err := decoder.Decode(&out); err != nil {
		t.Fatal(err)
	}
	if rest, _ := io.ReadAll(io.MultiReader(decoder.Buffered(), &buf)); strings.TrimSpace(string(rest)) != "" {
		t.Fatalf("more than one array: %q", rest)
	}
	return out
}

// decodeCSV reads findings.csv as a record a row, without empty cells and with
// formulas given back their form.
func decodeCSV(t *testing.T, r *report.Report) []map[string]string {
	t.Helper()
	var buf bytes.Buffer
	if err := report.WriteCSV(&buf, r); err != nil {
		t.Fatal(err)
	}
	rows := csvRows(t, buf.Bytes())
	var out []map[string]string
	for _, row := range rows[1:] {
		record := map[string]string{}
		for i, cell := range row {
			cell = undefused(cell)
			if cell != "" {
				record[rows[0][i]] = cell
			}
		}
		out = append(out, record)
	}
	return out
}

// csvRows reads findings.csv, which begins with a byte order mark.
func csvRows(t *testing.T, file []byte) [][]string {
	t.Helper()
	plain, marked := bytes.CutPrefix(file, []byte("\xef\xbb\xbf"))
	if !marked || bytes.Contains(plain, []byte("\uFEFF")) {
		t.Fatal("the file does not begin with one byte order mark")
	}
	rows, err := csv.NewReader(bytes.NewReader(plain)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// undefused takes the apostrophes out of a cell that stand before formulas.
func undefused(cell string) string {
	var parts []string
	for part := range strings.SplitSeq(cell, ";") {
		if rest, found := strings.CutPrefix(part, "'"); found && (runsAsFormula(rest) || digits.MatchString(rest)) {
			part = rest
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ";")
}

// digits is what the fingerprints and ids of these tests look like to a spreadsheet
// that takes them for numbers.
var digits = regexp.MustCompile(`^(?:[0-9]+(?:e[0-9]+)?|TRUE|[0-9]-[0-9])$`)

// flatten writes a value as JSON and lists its leaves by path, but the empty ones.
func flatten(t *testing.T, v any) map[string]string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var tree any
	if err := decoder.Decode(&tree); err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	leaves(out, "", tree)
	return out
}

func leaves(out map[string]string, path string, v any) {
	at := func(name string) string { return strings.TrimPrefix(path+"."+name, ".") }
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			leaves(out, at(name), member)
		}
	case []any:
		for i, element := range v {
			leaves(out, at(fmt.Sprint(i)), element)
		}
	default:
		if text := fmt.Sprint(v); text != "" {
			out[path] = text
		}
	}
}

// ocsfRecord picks the members of want out of an OCSF object, in the words of the
// events.
func ocsfRecord(t *testing.T, object map[string]any, want map[string]string) map[string]string {
	t.Helper()
	flat := map[string]string{}
	leaves(flat, "", object)
	for i := range len(object["resources"].([]any)) {
		resource := fmt.Sprintf("resources.%d.", i)
		switch flat[resource+"type"] {
		case "Databrain instance":
			flat["instance"] = flat[resource+"uid"]
		case "Databrain data app":
			flat["dataApp"] = flat[resource+"name"]
		case "Databrain API token":
			flat["dataApp"] = flat[resource+"group.name"]
			for _, name := range []string{"uid", "name", "created_time"} {
				flat["token."+name] = flat[resource+name]
			}
		}
	}
	out := map[string]string{}
	for path := range want {
		out[path] = flat[path]
	}
	out["severity"], out["compliance.status"] = strings.ToLower(out["severity"]), strings.ToLower(out["compliance.status"])
	return out
}

// millis writes the times of an OCSF record in milliseconds, except what is not
// mapped and so keeps the form of the events.
func millis(record map[string]string) map[string]string {
	record = maps.Clone(record)
	for _, path := range []string{"time", "finding_info.first_seen_time", "finding_info.last_seen_time",
		"token.created_time"} {
		if at, err := time.Parse(time.RFC3339Nano, record[path]); err == nil {
			record[path] = fmt.Sprint(at.UnixMilli())
		}
	}
	return record
}

func TestCSVIsPlain(t *testing.T) {
	var buf bytes.Buffer
	if err := report.WriteCSV(&buf, hostileReport()); err != nil {
		t.Fatal(err)
	}
	if bare := strings.ReplaceAll(buf.String(), "\r\n", ""); strings.ContainsAny(bare, "\r\n") {
		t.Error("a line does not end with CRLF")
	}
	rows := csvRows(t, buf.Bytes())
	columns := slices.Clone(rows[0])
	for _, place := range encodedAs {
		if !slices.Contains(columns, place.csv) {
			t.Errorf("no column %s", place.csv)
		}
	}
	if slices.Sort(columns); len(slices.Compact(columns)) != len(encodedAs) {
		t.Errorf("%d columns for %d members", len(columns), len(encodedAs))
	}
	defused := 0
	for _, row := range rows {
		for _, cell := range row {
			if strings.Contains(cell, ";'=") {
				defused++
			}
		}
	}
	if defused == 0 {
		t.Error("no formula was there to be defused")
	}
}

// TestCSVInEveryLocale reads findings.csv as spreadsheets do whose separator is a
// comma, a semicolon or a tab: no cell may be a formula. The latter see no quotes
// where the file has them for the comma, so each separator and line break may begin
// a cell.
func TestCSVInEveryLocale(t *testing.T) {
	var buf bytes.Buffer
	if err := report.WriteCSV(&buf, hostileReport()); err != nil {
		t.Fatal(err)
	}
	rows := csvRows(t, buf.Bytes())
	for name, cells := range map[string][]string{
		"comma":     slices.Concat(rows...),
		"semicolon": strings.FieldsFunc(buf.String(), func(c rune) bool { return strings.ContainsRune(";\r\n", c) }),
		"tab":       strings.FieldsFunc(buf.String(), func(c rune) bool { return strings.ContainsRune("\t\r\n", c) }),
	} {
		if len(cells) < 100 {
			t.Errorf("%s: %d cells", name, len(cells))
		}
		for _, cell := range cells {
			if runsAsFormula(cell) && cell[0] != '\'' {
				t.Errorf("%s: a spreadsheet runs %.60q", name, cell)
			}
		}
	}
}

// runsAsFormula is this test's own idea of what a spreadsheet runs.
func runsAsFormula(cell string) bool {
	if cell != "" && strings.ContainsRune("\t\r\n", rune(cell[0])) {
		return true
	}
	bare := strings.TrimLeft(cell, " \t\r\n\"'＂“”\u202e\u2066\u2028\u2029\x00\x07")
	for _, sign := range []string{"=", "+", "-", "@", "＝"} {
		if strings.HasPrefix(bare, sign) {
			return true
		}
	}
	return false
}

// TestNoTextIsANumber: a spreadsheet changes what it takes for a number, a date or a
// truth value, and saves what it has made of it.
func TestNoTextIsANumber(t *testing.T) {
	numbers := []string{
		"9209015257121e95", "1234567890123456", "0012345678901234", "000000000000e123", "1E5", "007", "1,204",
		"1.204,5", "1'000", "1 000", " 12 ", "(5)",
		"$5", "5 €", "50 %", "3-4", "1/2", "2026-03", "12:30", "12:30 PM", "2024-01-15T10:30:00Z", "31.12.2026",
		"Mar 5", "5 march 2024", "5-Sept", "１２３",
		"½", "1_000", "TRUE", "false", "\u00a012",
	}
	words := []string{
		"nightly",
		"Production 2",
		"3rd party",
		"ETL-2024",
		"e",
		"May",
		"v1.2",
		"9209015257121f95",
		"true story",
		"",
	}
	for _, name := range slices.Concat(numbers, words) {
		f := newFixture()
		f.token(name, name, 400)
		f.r.Findings[0].Token.Fingerprint, f.r.Findings[0].Rule = name, name
		f.r.Findings[0].Exception = &finding.Exception{ExpiresAt: name}
		var buf bytes.Buffer
		if err := report.WriteCSV(&buf, f.report(1)); err != nil {
			t.Fatal(err)
		}
		want := name
		if slices.Contains(numbers, name) {
			want = "'" + name
		}
		rows := csvRows(t, buf.Bytes())
		for i, column := range rows[0] {
			switch column {
			case "data_app", "token_name", "token_fingerprint", "policy_rule", "exception_expires_at":
				if rows[1][i] != want {
					t.Errorf("%s is %q, want %q", column, rows[1][i], want)
				}
			case "token_age_days", "policy_max_age_days":
				if _, err := strconv.Atoi(rows[1][i]); err != nil && name != "" {
					t.Errorf("%s: %v", column, err)
				}
			}
		}
	}
}

// TestTimesAreWholeSeconds reads every output: jq's fromdate takes no fraction of a
// second.
func TestTimesAreWholeSeconds(t *testing.T) {
	fraction := regexp.MustCompile(`[0-9]{2}:[0-9]{2}:[0-9]{2}[.,][0-9]`)
	r := sampleReport()
	for i := range r.Findings {
		if token := r.Findings[i].Token; token != nil && !token.CreatedAt.IsZero() {
			token.CreatedAt = token.CreatedAt.Add(123456789)
			token.StaleSince = token.CreatedAt.AddDate(0, 0, 90)
		}
	}
	outputs := map[string]string{}
	for name, write := range writers() {
		var buf bytes.Buffer
		if err := write(&buf, r); err != nil {
			t.Fatal(err)
		}
		outputs[name] = buf.String()
	}
	for event := range r.Events() {
		text, err := report.EncodeDetail(event.Detail)
		if err != nil {
			t.Fatal(err)
		}
		outputs[event.DetailType] += text
	}
	for name, output := range outputs {
		if at := fraction.FindString(output); at != "" || !strings.Contains(output, "2026") {
			t.Errorf("%s has the time %s", name, at)
		}
	}
}

// TestNothingHoldsAKey: what a key leaves behind is its fingerprint.
func TestNothingHoldsAKey(t *testing.T) {
	const key = "3b241101-e2bb-4255-8caf-4136c566a962"
	r := sampleReport()
	r.Findings[0].Token.Fingerprint = fingerprint(key)
	for name, write := range writers() {
		var buf bytes.Buffer
		if err := write(&buf, r); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(buf.String(), key) || !strings.Contains(buf.String(), fingerprint(key)) {
			t.Errorf("%s has the key, or not its fingerprint", name)
		}
	}
}

func writers() map[string]func(io.Writer, *report.Report) error {
	return map[string]func(io.Writer, *report.Report) error{
		"html": report.WriteHTML, "csv": report.WriteCSV, "json": report.WriteJSON, "ocsf": report.WriteOCSF,
	}
}

func TestEmptyArrays(t *testing.T) {
	for name, write := range map[string]func(io.Writer, *report.Report) error{"json": report.WriteJSON,
		"ocsf": report.WriteOCSF} {
		var buf bytes.Buffer
		if err := write(&buf, emptyReport()); err != nil {
			t.Fatal(err)
		}
		var elements []any
		if err := json.Unmarshal(buf.Bytes(), &elements); err != nil || elements == nil || len(elements) != 0 {
			t.Errorf("%s: %q is no empty array: %v", name, buf.String(), err)
		}
	}
}
