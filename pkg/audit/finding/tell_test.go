package finding_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"databrain-rotation/pkg/audit/finding"
)

// told are the notices of findings, in their order.
func told(findings []finding.Finding, memory finding.MemoryKind, most int) []finding.Notice {
	telling := finding.Tell(findings, memory, most)
	var notices []finding.Notice
	for i := range findings {
		notices = append(notices, telling.Of(i, &findings[i]))
	}
	return notices
}

func TestWhoIsToldOfWhat(t *testing.T) {
	const (
		none    = finding.Untold
		single  = finding.Single
		counted = finding.Counted
	)
	is := func(s finding.State) finding.Finding { return finding.Finding{State: s, Severity: finding.Critical} }
	raised := finding.Finding{State: finding.Ongoing, Severity: finding.Critical, RaisedFrom: finding.High}
	for name, c := range map[string]struct {
		findings []finding.Finding
		memory   finding.MemoryKind
		most     int
		want     []finding.Notice
	}{
		"each state": {
			[]finding.Finding{
				is(finding.New), is(finding.Reopened), raised, is(finding.Ongoing), is(finding.Suppressed), is(finding.Resolved),
			},
			finding.Remembered, 10, []finding.Notice{single, single, single, none, none, none},
		},
		"without a memory everything that is there": {
			[]finding.Finding{is(finding.Ongoing), raised, is(finding.Suppressed)},
			finding.NoMemory, 10, []finding.Notice{single, single, none},
		},
		"a memory that was lost is no news": {
			[]finding.Finding{is(finding.Ongoing), is(finding.New)}, finding.Forgotten, 10, []finding.Notice{none, single},
		},
		"as many as are allowed": {
			[]finding.Finding{is(finding.New), is(finding.New)}, finding.FirstRun, 2, []finding.Notice{single, single},
		},
		"one more": {
			[]finding.Finding{is(finding.New), is(finding.New), is(finding.New)},
			finding.FirstRun, 2, []finding.Notice{single, single, counted},
		},
		"what nobody is told of takes no place": {
			[]finding.Finding{is(finding.Ongoing), is(finding.New), is(finding.Ongoing), is(finding.New), is(finding.Ongoing)},
			finding.Remembered, 1, []finding.Notice{none, single, none, counted, none},
		},
		"none by itself": {
			[]finding.Finding{is(finding.New), is(finding.Ongoing)}, finding.Remembered, 0,
			[]finding.Notice{counted, none},
		},
		"nothing": {nil, finding.FirstRun, 10, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, told(c.findings, c.memory, c.most)); diff != "" {
				t.Errorf("notices (-want +got):\n%s", diff)
			}
		})
	}
}

// TestNoFindingIsDropped: of any findings, each that people are told of is told by itself
// or counted, never more by themselves than allowed and never a worse one counted while
// a milder one is told. A rule that sends critical findings alone gets the worst too.
func TestNoFindingIsDropped(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		states := []finding.State{finding.New, finding.Reopened, finding.Ongoing, finding.Suppressed}
		one := rapid.Custom(func(t *rapid.T) finding.Finding {
			f := finding.Finding{
				ID:       fmt.Sprint("dbt1-", rapid.IntRange(0, 1<<30).Draw(t, "id")),
				State:    rapid.SampledFrom(states).Draw(t, "state"),
				Severity: rapid.SampledFrom(finding.Severities()).Draw(t, "severity"),
			}
			if f.State == finding.Ongoing && rapid.Bool().Draw(t, "raised") {
				f.RaisedFrom = finding.Low
			}
			return f
		})
		findings := finding.Sorted(rapid.SliceOfN(one, 0, 40).Draw(t, "findings"))
		memory := finding.MemoryKind(rapid.IntRange(int(finding.NoMemory), int(finding.Forgotten)).Draw(t, "memory"))
		most := rapid.IntRange(0, 12).Draw(t, "most")
		telling := finding.Tell(findings, memory, most)
		single, counted, news := 0, map[finding.Severity]int{}, 0
		mildest := len(finding.Severities())
		for i := range findings {
			f := &findings[i]
			if f.State == finding.New || f.State == finding.Reopened || f.RaisedFrom != "" ||
				memory == finding.NoMemory && f.State == finding.Ongoing {
				news++
			}
			switch telling.Of(i, f) {
			case finding.Single:
				single++
				mildest = min(mildest, f.Severity.Rank())
			case finding.Counted:
				counted[f.Severity]++
				if f.Severity.Rank() > mildest {
					t.Errorf("finding %d, %s, is only counted", i, f.Severity)
				}
			}
		}
		if single != min(most, news) || single+telling.Counted != news {
			t.Errorf("%d by themselves, %d counted, of %d; %d are allowed", single, telling.Counted, news, most)
		}
		if diff := cmp.Diff(counted, telling.Counts); diff != "" || single != telling.Single {
			t.Errorf("%d by themselves, want %d; counts (-notices +telling):\n%s", telling.Single, single, diff)
		}
	})
}
