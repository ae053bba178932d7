package finding

import (
	"slices"
	"time"
)

// GapClass is why a part of the instance could not be read.
type GapClass string

// The classes of coverage gaps.
const (
	GapAuth        GapClass = "auth"
	GapForbidden   GapClass = "forbidden"
	GapRateLimited GapClass = "rate_limited"
	GapServer      GapClass = "server"
	GapTimeout     GapClass = "timeout"
	GapDecode      GapClass = "decode"   // not the API's answer, or an incomplete list
	GapDeadline    GapClass = "deadline" // the invocation's time ran out first
	GapNetwork     GapClass = "network"
)

// Gap is a part of the instance that could not be read: the tokens of one data
// app, or the list of the apps itself.
type Gap struct {
	DataApp  string // as it is shown; "" for the list of the apps
	Class    GapClass
	Status   int // HTTP status of the last answer; 0 without one
	Attempts int // requests made for it

	App string // as the instance spells it; "" for the list of the apps
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

// ExceptionStatus is how an exception of the policy stood in a run.
type ExceptionStatus struct {
	Exception Exception
	Lapsed    bool // its day is over, or its expiry is no date
	DaysLeft  int  // whole days until it lapses; 0 on its last day and once lapsed
	Matched   int  // tokens that it names
	Covered   int  // findings that it suppresses, or would if it had not lapsed
}

// Posture is what Secrets Manager says of the rotation of the service token.
type Posture struct {
	Read         bool      // false: DescribeSecret failed, and nothing below is known
	Rotation     bool      // rotation is switched on
	RotatedAt    time.Time // last rotation, else the creation of the secret; zero if neither is known
	AgeDays      int       // whole days since RotatedAt
	PendingSince time.Time // when AWSPENDING was put on another version than AWSCURRENT; zero if it is not
}
