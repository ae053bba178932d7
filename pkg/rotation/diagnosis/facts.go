package diagnosis

import (
	"time"

	"databrain-rotation/pkg/rotation"
)

// Facts are what was found, with no judgement.
type Facts struct {
	Secret   SecretFacts
	Versions []Version // those with a label first; AWSCURRENT, AWSPENDING, AWSPREVIOUS, others
	// Unlabelled says why versions without a label were not all looked at; "" if they
	// were, or if nothing depended on them.
	Unlabelled string
	// Key is the outlook of an API token, nil for the service token. Its zero value is
	// one that was not looked at.
	Key          *rotation.APITokenOutlook
	Admin        Admin
	AdminForGood bool   // the sign-in was refused for a reason that no password cures
	AdminID      string // name or ARN of the admin's secret
	AdminSame    bool   // it is the rotated secret; for an API token, the service token's secret is
	Instance     InstanceFacts
	Strategy     rotation.Strategy
	Contract     rotation.Contract
	Takeover     rotation.Takeover
	Now          time.Time
}

// Obstacle is why the secret itself could not be looked at.
type Obstacle string

// The obstacles.
const (
	NotFound Obstacle = "not found"
	Denied   Obstacle = "denied"
	Silent   Obstacle = "no answer"
	Failed   Obstacle = "failed"
)

// SecretFacts are what DescribeSecret says.
type SecretFacts struct {
	ARN, Name, Region string
	Primary           string // the region of the primary, if this is a replica
	Function          string // ARN of the rotation function
	Schedule          string
	Last, Next        time.Time
	rotation.Metadata

	Obstacle Obstacle // "" unless the secret could not be described
	Why      string
	Kind     string // of another kind of secret, such as "an API token's"; "" for this kind
}

// Version is one version and its token.
type Version struct {
	ID, Label   string // Label is "" without one
	Created     time.Time
	Standing    Standing
	Why         string
	Fingerprint string
	NoValue     bool
	// Unsavable is a token that is no UUID, which no rotation can finish with.
	Unsavable bool
	kind      string // of another kind of secret, by its members
}

// InstanceFacts are what a question with a made-up token came to, which an instance
// has to reject.
type InstanceFacts struct {
	URL        string
	Answers    bool // it rejected the made-up token in the API's own form
	AcceptsAny bool // it accepted the made-up token
	Took       time.Duration
	Why        string
	Remedy     string // what to do about an answer that is not the API's; "" if it answers
	AnswersAt  string
}

// version returns the version with label, nil if there is none.
func (f Facts) version(label string) *Version {
	for i, v := range f.Versions {
		if v.Label == label {
			return &f.Versions[i]
		}
	}
	return nil
}

// standing returns what is known of the token with label; Empty if no version has
// the label.
func (f Facts) standing(label string) Standing {
	if v := f.version(label); v != nil {
		return v.Standing
	}
	return Empty
}

// pending returns the version of an unfinished rotation, nil without one. AWSPENDING
// on the version of AWSCURRENT is what a finished rotation leaves.
func (f Facts) pending() *Version { return f.version(labelPending) }

// sameAsCurrent reports whether v holds the token of AWSCURRENT.
func (f Facts) sameAsCurrent(v *Version) bool {
	current := f.version(labelCurrent)
	return current != nil && v.Fingerprint != "" && v.Fingerprint == current.Fingerprint
}

// The staging labels of Secrets Manager.
const (
	labelCurrent  = "AWSCURRENT"
	labelPending  = "AWSPENDING"
	labelPrevious = "AWSPREVIOUS"
)
