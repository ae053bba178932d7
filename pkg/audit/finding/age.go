package finding

import (
	"fmt"
	"slices"
	"time"
)

const aDay = 24 * time.Hour

// maxPolicyDays bounds every number of days in a policy: a hundred years, which a
// time.Duration still holds.
const maxPolicyDays = 36500

// WholeDays returns n days as a duration. n is at most maxPolicyDays.
func WholeDays(n int) time.Duration { return time.Duration(n) * aDay }

// AgeDays is the whole days from created to now, for display; 0 for a date in
// the future. It does not use time.Time.Sub, which ends at 292 years.
func AgeDays(now, created time.Time) int {
	seconds := now.Unix() - created.Unix()
	if now.Nanosecond() < created.Nanosecond() {
		seconds--
	}
	return int(max(0, seconds) / (24 * 60 * 60))
}

// stale reports whether a token created then is older than maxDays at now. The
// limit itself is not stale yet.
func stale(now, created time.Time, maxDays int) bool {
	return created.Add(WholeDays(maxDays)).Before(now)
}

// AgeBin counts the API tokens whose age in days is at least From and less than
// To. To is 0 for the last bin, which is open.
type AgeBin struct{ From, To, Tokens, Stale int }

// ageBins returns the bins of the age histogram, empty. One begins at the limit of
// the policy, so that none is partly stale by it.
func ageBins(maxAgeDays int) []AgeBin {
	edges := []int{0, 30, 60, 90, 180, 365, 730, maxAgeDays}
	slices.Sort(edges)
	edges = slices.Compact(edges)
	bins := make([]AgeBin, len(edges))
	for i, from := range edges {
		bins[i].From = from
		if i+1 < len(edges) {
			bins[i].To = edges[i+1]
		}
	}
	return bins
}

// days writes a number of days.
func days(n int) string { return counted(n, "day") }

// counted writes a number of things, whose plural takes an s.
func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// Day writes the day of t, UTC.
func Day(t time.Time) string { return t.UTC().Format(time.DateOnly) }
