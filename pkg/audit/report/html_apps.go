package report

import (
	"cmp"
	"slices"

	"databrain-rotation/pkg/audit/finding"
)

// appRow sums the findings of one data app up.
type appRow struct {
	Name   name
	Count  int
	Mix    []severityCount
	Oldest string
}

// mix lists what b counts, the worst first.
func (b *BySeverity) mix() []severityCount {
	var out []severityCount
	for _, severity := range slices.Backward(finding.Severities()) {
		if n := *b.of(severity); n > 0 {
			out = append(out, severityCount{severity, n})
		}
	}
	return out
}

// appTally is what was found in one data app.
type appTally struct {
	name     string
	findings BySeverity
	count    int
	oldest   int // age in days of the oldest token that was found, -1 without one
}

// worseApp orders by the number of findings of the worst severity, then of the
// next one, and then by age and name.
func worseApp(a, b *appTally) int {
	for _, severity := range slices.Backward(finding.Severities()) {
		if c := cmp.Compare(*b.findings.of(severity), *a.findings.of(severity)); c != 0 {
			return c
		}
	}
	return cmp.Or(cmp.Compare(b.oldest, a.oldest), cmp.Compare(a.name, b.name))
}

// appRows ranks the data apps by what is wrong in them. It returns none where a
// ranking would only repeat the list of findings. Total is how many there are.
func appRows(findings []finding.Finding) (rows []appRow, total int) {
	apps, found := tallyApps(findings)
	if len(apps) < 2 || found < pageApps {
		return nil, 0
	}
	slices.SortFunc(apps, worseApp)
	for _, a := range apps[:min(len(apps), pageApps)] {
		row := appRow{Name: nameOf(finding.ShownName(a.name)), Count: a.count, Mix: a.findings.mix()}
		if a.oldest >= 0 {
			row.Oldest = plural(a.oldest, "day")
		}
		rows = append(rows, row)
	}
	return rows, len(apps)
}

func tallyApps(findings []finding.Finding) (apps []*appTally, total int) {
	byName := map[string]*appTally{}
	for i := range findings {
		f := &findings[i]
		if f.DataApp == "" || f.State == finding.Suppressed {
			continue
		}
		a := byName[f.DataApp]
		if a == nil {
			a = &appTally{name: f.DataApp, oldest: -1}
			byName[f.DataApp] = a
			apps = append(apps, a)
		}
		*a.findings.of(f.Severity)++
		a.count++
		total++
		if f.Check == finding.TokenAge || f.Check == finding.TokenAgeApproaching {
			a.oldest = max(a.oldest, f.Token.AgeDays)
		}
	}
	return apps, total
}
