package finding

import "fmt"

// The checks on what could be read.
const (
	DataAppUnlistable  Check = "data-app-unlistable"
	DataAppsUnlistable Check = "data-apps-unlistable"
)

var coverageChecks = []definition{
	{
		check: DataAppUnlistable, severity: High, compliance: Warning, subject: aboutDataApp,
		find: unlistable(func(g *Gap) bool { return g.DataApp != "" }),
		gone: func(r *Record, s *sight) bool {
			read, listed := s.Apps[r.DataApp]
			return s.Complete && (read == Read || !listed && !s.emptied)
		},
		prose: func(f *Finding) Prose {
			remedy, url := f.Gap.Remedy()
			return Prose{
				"API tokens of a data app could not be listed",
				fmt.Sprintf("The API tokens of data app %s could not be read in full %s: stale ones among them are not known.",
					quoted(ShownName(f.DataApp)), f.Gap.why()),
				remedy, url,
			}
		},
	},
	{
		check: DataAppsUnlistable, severity: High, compliance: Warning, subject: aboutInstance,
		find: unlistable(func(g *Gap) bool { return g.DataApp == "" }),
		gone: func(_ *Record, s *sight) bool { return s.Complete },
		prose: func(f *Finding) Prose {
			remedy, url := f.Gap.Remedy()
			return Prose{
				"Data apps could not be listed",
				"The list of the data apps could not be read in full " + f.Gap.why() +
					": there may be apps and tokens that nothing is known of.",
				remedy, url,
			}
		},
	},
}

// unlistable finds the gaps that the check is about.
func unlistable(about func(*Gap) bool) func(*observation, func(string) *Finding) {
	return func(o *observation, add func(string) *Finding) {
		for i := range o.coverage.Gaps {
			if g := &o.coverage.Gaps[i]; about(g) {
				f := add(g.DataApp)
				f.DataApp, f.Gap = g.DataApp, g
			}
		}
	}
}
