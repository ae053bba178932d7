package finding

import (
	"cmp"
	"slices"
)

// AppRead is how far the tokens of a listed data app were read.
type AppRead int

// How far a data app was read.
const (
	Unread  AppRead = iota // there is a gap
	Read                   // in full
	Deleted                // it was not found when its tokens were asked for, and no longer listed after that
)

// Coverage is what a run got to see of the instance.
type Coverage struct {
	Complete bool               // the list of the data apps was read in full
	Apps     map[string]AppRead // what that list held, by name as the instance spells it
	Gaps     []Gap              // everything that is not Complete or not Read or Deleted
	Tokens   int                // entries of all lists that were read
	Posture  Posture
	Previous Previous
	Managed  Managed

	// Twins has the fingerprints of tokens that their list no longer shows, while it
	// shows another key with the same name and creation time. The instance may have
	// changed what it shows of a key, so the token counts as there.
	Twins map[string]bool
}

// whole reports whether nothing is missing.
func (c *Coverage) whole() bool { return c.Complete && len(c.Gaps) == 0 }

// settles reports whether a run saw enough to know that an exception matches nothing.
// Check is what the exception names; "" stands for those on the lists of tokens.
func (c *Coverage) settles(check Check) bool {
	among := func(checks []definition) bool {
		return slices.ContainsFunc(checks, func(d definition) bool { return d.check == check })
	}
	switch {
	case !c.whole():
		return false
	case check == ServiceTokenPreviousAlive:
		return c.Previous.Answer != NoAnswer
	case among(serviceTokenChecks):
		return c.Posture.Read
	case among(managedChecks):
		undescribed := func(s ManagedSecret) bool { return !s.Posture.Read }
		return c.Managed.Known() && !slices.ContainsFunc(c.Managed.Secrets, undescribed)
	}
	return true
}

// Count returns the number of apps that were read so far.
func (c *Coverage) Count(how AppRead) int {
	n := 0
	for _, read := range c.Apps {
		if read == how {
			n++
		}
	}
	return n
}

// SortGaps puts the gap of the app list first, then the others by name.
func (c *Coverage) SortGaps() {
	slices.SortFunc(c.Gaps, func(a, b Gap) int { return cmp.Compare(a.DataApp, b.DataApp) })
}
