package report

import "io"

// File is one form of the report.
type File struct {
	Name, ContentType string
	Write             func(io.Writer, *Report) error
}

// PageName is the name of the page among [Files].
const PageName = "report.html"

// Files returns every form of the report.
func Files() []File {
	return []File{
		{PageName, "text/html; charset=utf-8", WriteHTML},
		{"findings.json", "application/json", WriteJSON},
		{"findings.csv", "text/csv; charset=utf-8", WriteCSV},
		{"findings.ocsf.json", "application/json", WriteOCSF},
	}
}

// Beside returns the names of the other files, which hold all findings; the page links
// to them.
func Beside() []string {
	var names []string
	for _, file := range Files() {
		if file.Name != PageName {
			names = append(names, file.Name)
		}
	}
	return names
}
