package main

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// sheetCell is a cell as LibreOffice has read it.
type sheetCell struct{ kind, formula, text string }

// open has LibreOffice import findings.csv and returns the rows. Separator is the
// character code of one, language a Windows language id.
func (r *reading) open(ctx context.Context, separator, language int) ([][]sheetCell, error) {
	out := filepath.Join(r.dir, fmt.Sprintf("sheet-%d-%d", separator, language))
	// The third token leaves the encoding to LibreOffice, which the byte order mark tells
	// it; the last one has it look for dates and numbers everywhere
	// (https://help.libreoffice.org/latest/en-US/text/shared/guide/csv_params.html).
	filter := fmt.Sprintf("CSV:%d,34,0,1,,%d,false,true", separator, language)
	profile := "-env:UserInstallation=file://" + filepath.Join(r.dir, "soffice")
	if _, err := output(ctx, r.command(ctx, "soffice", profile, "--headless", "--infilter="+filter,
		"--convert-to", "fods", "--outdir", out, filepath.Join(r.dir, "findings.csv"))); err != nil {
		return nil, err
	}
	file, err := os.Open(filepath.Join(out, "findings.fods"))
	if err != nil {
		return nil, fmt.Errorf("LibreOffice wrote nothing: %w", err)
	}
	defer file.Close()
	return readSheet(file)
}

// readSheet reads the rows of a flat OpenDocument spreadsheet.
func readSheet(from io.Reader) (rows [][]sheetCell, err error) {
	type cell struct {
		Repeated int      `xml:"number-columns-repeated,attr"`
		Kind     string   `xml:"value-type,attr"`
		Formula  string   `xml:"formula,attr"`
		Text     []string `xml:"p"`
	}
	decoder := xml.NewDecoder(from)
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, err
		}
		start, ok := token.(xml.StartElement)
		if !ok || start.Name.Local != "table-row" {
			continue
		}
		var row struct {
			Cells []cell `xml:"table-cell"`
		}
		if err := decoder.DecodeElement(&row, &start); err != nil {
			return nil, err
		}
		var cells []sheetCell
		for _, c := range row.Cells {
			for range min(max(c.Repeated, 1), 100) {
				cells = append(cells, sheetCell{c.Kind, c.Formula, strings.Join(c.Text, "\n")})
			}
		}
		rows = append(rows, cells)
	}
}

// sheetColumns are how LibreOffice has to have read the columns that hold something
// from outside or something to count with.
var sheetColumns = []struct {
	name string
	kind string // of a cell that is not empty
	path string // in findings.json
}{
	{"data_app", "string", "dataApp.name"},
	{"token_name", "string", "token.name"},
	{"token_fingerprint", "string", "token.fingerprint"},
	{"token_age_days", "float", "token.ageDays"},
	{"token_created_at", "string", "token.createdAt"},
	{"exception_id", "string", "exception.id"},
	{"exception_owner", "string", "exception.owner"},
	{"event_id", "string", "metadata.eventId"},
	{"description", "string", "finding.description"},
	{"first_seen_at", "string", "finding.firstSeenAt"},
}

// spreadsheet compares the sheet with findings.json.
func (r *reading) spreadsheet(ctx context.Context) error {
	rows, err := r.open(ctx, ',', 1033)
	if err != nil {
		return err
	}
	data, err := os.ReadFile(filepath.Join(r.dir, "findings.json"))
	if err != nil {
		return err
	}
	var documents []any
	if err := json.Unmarshal(data, &documents); err != nil {
		return err
	}
	if len(rows) < len(documents)+1 {
		return fmt.Errorf("%d rows for %d findings", len(rows), len(documents))
	}
	if rows[0][0].text != "severity" {
		return fmt.Errorf("the first heading is %q: the byte order mark was not understood", rows[0][0].text)
	}
	if err := noFormula(rows); err != nil {
		return err
	}
	for _, column := range sheetColumns {
		at := slices.IndexFunc(rows[0], func(c sheetCell) bool { return c.text == column.name })
		if at < 0 {
			return fmt.Errorf("no column %s", column.name)
		}
		compared := 0
		for i, document := range documents {
			want := leaf(document, column.path)
			if want == "" {
				continue
			}
			compared++
			if got := rows[i+1][at]; got.kind != column.kind || !sameText(got.text, want) {
				return fmt.Errorf("%s of finding %d is the %s %q, want %q", column.name, i, got.kind, got.text, want)
			}
		}
		if compared < 10 {
			return fmt.Errorf("only %d findings have a %s", compared, column.name)
		}
	}
	return nil
}

// leaf is a member of a document as text; "" if it is not there.
func leaf(document any, path string) string {
	for name := range strings.SplitSeq(path, ".") {
		object, _ := document.(map[string]any)
		document = object[name]
	}
	if document == nil {
		return ""
	}
	return fmt.Sprint(document)
}

// sameText compares a cell with a text, past the apostrophes that keep a formula or a
// number from being one, and the blanks that OpenDocument writes as elements.
func sameText(got, want string) bool {
	bare := func(s string) string { return strings.NewReplacer("'", "", " ", "", "\u00a0", "").Replace(s) }
	return bare(got) == bare(want)
}

// otherSeparators reads the file as a spreadsheet does in countries that use the
// semicolon, and as one that pastes by tabs.
func (r *reading) otherSeparators(ctx context.Context) error {
	const german = 1031
	for _, separator := range []int{';', '\t'} {
		rows, err := r.open(ctx, separator, german)
		if err == nil {
			err = noFormula(rows)
		}
		if err != nil {
			return fmt.Errorf("separator %d: %w", separator, err)
		}
	}
	return nil
}

func noFormula(rows [][]sheetCell) error {
	cells := 0
	for i, row := range rows {
		for _, c := range row {
			cells++
			if c.formula != "" {
				return fmt.Errorf("row %d holds the formula %s", i, c.formula)
			}
		}
	}
	if cells < 100 {
		return fmt.Errorf("only %d cells were read", cells)
	}
	return nil
}
