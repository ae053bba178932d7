package finding

import "time"

const aDay = 24 * time.Hour

// maxPolicyDays bounds every number of days in a policy: a hundred years, which a
// time.Duration still holds.
const maxPolicyDays = 36500

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
