package audit

// Policy says which tokens are stale and how bad that is.
type Policy struct {
	MaxAgeDays    int         `json:"maxAgeDays"`
	DueWithinDays int         `json:"dueWithinDays"`
	Severities    []Tier      `json:"severities"` // by AfterDays, ascending
	Rules         []Rule      `json:"rules"`
	Exceptions    []Exception `json:"exceptions"`
}

// Tier is the severity of a stale token from an age in days on.
type Tier struct {
	AfterDays int      `json:"afterDays"`
	Severity  Severity `json:"severity"`
}

// Rule sets another limit for some tokens. In its patterns "*" matches any run
// of characters; an omitted pattern is "*".
type Rule struct {
	ID         string `json:"id"`
	DataApp    string `json:"dataApp,omitempty"`
	Token      string `json:"token,omitempty"`
	MaxAgeDays int    `json:"maxAgeDays"`
}

// Exception accepts the findings on some tokens for a time. All of its patterns
// must match; an omitted one matches everything.
type Exception struct {
	ID          string `json:"id"`
	DataApp     string `json:"dataApp,omitempty"`
	Token       string `json:"token,omitempty"`
	Fingerprint string `json:"fingerprint,omitempty"`
	Reason      string `json:"reason"`
	Owner       string `json:"owner"`
	ExpiresAt   string `json:"expiresAt"` // YYYY-MM-DD; it holds to the end of that day, UTC
}
