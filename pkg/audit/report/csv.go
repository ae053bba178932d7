package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// csvColumns are the columns of findings.csv, what people sort and filter by
// first.
var csvColumns = [...]struct {
	name string
	of   func(*Detail) string
}{
	{"severity", func(d *Detail) string { return string(d.Finding.Severity) }},
	{"state", func(d *Detail) string { return string(d.Finding.State) }},
	{"check", func(d *Detail) string { return string(d.Finding.Check) }},
	{"severity_raised_from", func(d *Detail) string { return string(d.Finding.RaisedFrom) }},
	{"superseded_by", func(d *Detail) string { return string(d.Finding.Superseded) }},
	{"compliance", func(d *Detail) string { return string(d.Finding.Compliance) }},
	{"data_app", func(d *Detail) string { return orZero(d.DataApp).Name }},
	{"token_name", func(d *Detail) string { return orZero(d.Token).Name }},
	{"token_fingerprint", func(d *Detail) string { return orZero(d.Token).Fingerprint }},
	{"token_age_days", func(d *Detail) string { return csvNumber(orZero(d.Token).AgeDays) }},
	{"token_created_at", func(d *Detail) string { return csvTime(orZero(d.Token).CreatedAt) }},
	{"token_stale_since", func(d *Detail) string { return csvTime(orZero(d.Token).StaleSince) }},
	{"policy_rule", func(d *Detail) string { return orZero(d.Policy).Rule }},
	{"policy_max_age_days", func(d *Detail) string {
		if d.Policy == nil {
			return ""
		}
		return strconv.Itoa(d.Policy.MaxAgeDays)
	}},
	{"exception_id", func(d *Detail) string { return orZero(d.Exception).ID }},
	{"exception_reason", func(d *Detail) string { return orZero(d.Exception).Reason }},
	{"exception_owner", func(d *Detail) string { return orZero(d.Exception).Owner }},
	{"exception_expires_at", func(d *Detail) string { return orZero(d.Exception).ExpiresAt }},
	{"title", func(d *Detail) string { return d.Finding.Title }},
	{"description", func(d *Detail) string { return d.Finding.Description }},
	{"remediation", func(d *Detail) string { return orZero(d.Remediation).Text }},
	{"remediation_url", func(d *Detail) string { return orZero(d.Remediation).URL }},
	{"first_seen_at", func(d *Detail) string { return csvTime(&d.Finding.FirstSeenAt) }},
	{"last_seen_at", func(d *Detail) string { return csvTime(&d.Finding.LastSeenAt) }},
	{"instance", func(d *Detail) string { return d.Instance.URL }},
	{"finding_id", func(d *Detail) string { return d.Finding.ID }},
	{"run_id", func(d *Detail) string { return d.Metadata.RunID }},
	{"event_id", func(d *Detail) string { return d.Metadata.EventID }},
	{"emitted_at", func(d *Detail) string { return csvTime(&d.Metadata.EmittedAt) }},
	{"schema", func(d *Detail) string { return d.Metadata.Schema }},
}

// WriteCSV writes findings.csv for spreadsheets, as RFC 4180 has it: a header,
// CRLF line ends, UTF-8. What a spreadsheet would run as a formula has an apostrophe
// before it. A line break within a cell becomes CRLF.
func WriteCSV(w io.Writer, r *Report) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	row := make([]string, len(csvColumns))
	for i, column := range csvColumns {
		row[i] = column.name
	}
	err := out.Write(row)
	for d := range r.details() {
		for i, column := range csvColumns {
			row[i] = defuse(column.of(&d))
		}
		if err == nil {
			err = out.Write(row)
		}
	}
	out.Flush()
	if err == nil {
		err = out.Error()
	}
	if err != nil {
		return fmt.Errorf("write findings.csv: %w", err)
	}
	return nil
}

// defuse puts an apostrophe before what a spreadsheet takes for a formula. The rules
// are OWASP's on CSV injection (https://owasp.org/www-community/attacks/CSV_Injection).
// A formula may begin a cell, or stand inside of one after a semicolon, a tab or a
// line break: where the locale's separator is one of these, a spreadsheet ends the
// cell there, and the quotes of RFC 4180 around it do not count. What gets an
// apostrophe looks like a formula without it too, so that a reader can tell it from
// an apostrophe of the text.
func defuse(cell string) string {
	if strings.ContainsAny(cell[:min(len(cell), 1)], "\t\r\n") || isFormula(cell) {
		cell = "'" + cell
	}
	for at := 0; ; {
		next := strings.IndexAny(cell[at:], ";\t\r\n")
		if next < 0 {
			return cell
		}
		at += next + 1
		if isFormula(cell[at:]) {
			cell = cell[:at] + "'" + cell[at:]
		}
	}
}

// isFormula reports whether text has the sign of a formula past spaces, quotes and
// invisible characters, which some spreadsheets trim. Some locales accept the
// full-width signs.
func isFormula(text string) bool {
	rest := strings.TrimLeftFunc(text, func(c rune) bool {
		return unicode.IsSpace(c) || unicode.Is(unicode.Cf, c) || unicode.IsControl(c) || unicode.Is(unicode.Quotation_Mark, c) || c == '`'
	})
	sign, _ := utf8.DecodeRuneInString(rest)
	return rest != "" && strings.ContainsRune("=+-@＝＋－＠", sign)
}

func csvTime(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.Format(time.RFC3339Nano)
}

func csvNumber(n *int) string {
	if n == nil {
		return ""
	}
	return strconv.Itoa(*n)
}

// orZero reads a member that may be left out.
func orZero[T any](p *T) T {
	if p == nil {
		return *new(T)
	}
	return *p
}
