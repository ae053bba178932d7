package diagnosis

// Schema names the form of a [Report].
const Schema = "databrain.token-rotation.diagnosis/1"

// Verdict is the whole diagnosis in a word.
type Verdict string

// The verdicts.
const (
	Healthy   Verdict = "healthy"   // none of the others
	Attention Verdict = "attention" // consumers work; the next rotation would fail, or somebody has to act
	Broken    Verdict = "broken"    // whoever reads AWSCURRENT fails now
	Unknown   Verdict = "unknown"   // what decides could not be learned
)

// Standing is what is known of a token or of the admin's sign-in.
type Standing string

// The standings. A token is accepted or rejected, and a sign-in accepted or refused,
// only by a definite answer of the API.
const (
	Accepted   Standing = "accepted"
	Rejected   Standing = "rejected"
	Refused    Standing = "refused"
	NoAnswer   Standing = "no answer"
	Empty      Standing = "empty" // the version has no value, or its token is ""
	Malformed  Standing = "malformed"
	Unreadable Standing = "unreadable" // Secrets Manager did not give the value
	NotAsked   Standing = "not asked"
)

// Report is the answer to a request. Times are RFC 3339 in UTC; what does not apply
// is left out.
type Report struct {
	Schema   string    `json:"schema"`
	Verdict  Verdict   `json:"verdict"`
	Summary  string    `json:"summary"`
	Problems []Problem `json:"problems"`
	Secret   Secret    `json:"secret"`
	Tokens   []Token   `json:"tokens"`
	APIToken *APIToken `json:"apiToken,omitempty"` // left out for the service token
	Admin    Admin     `json:"admin,omitzero"`     // left out for an API token
	Rotation Rotation  `json:"rotation"`
	Instance Instance  `json:"instance"`
	Settings Settings  `json:"settings"`
	Text     string    `json:"text"` // the same for people
}

// Problem is one thing that is wrong. Problems are in the order of their repair.
type Problem struct {
	Code Code `json:"code"`
	// Text says what is wrong, and between what a person has to decide.
	Text string `json:"text"`
	// Do holds the commands that repair it, in their order. None loses a token that
	// works. A word in capitals is a value that only a person has.
	Do []string `json:"do,omitempty"`
	// Decide holds what a person chooses from, where nothing stored tells.
	Decide []Choice `json:"decide,omitempty"`
	DoNot  string   `json:"doNot,omitempty"`

	verdict Verdict
}

// Choice is one of several ways out, and when to take it.
type Choice struct {
	When string   `json:"when"`
	Do   []string `json:"do"`
}

// Secret is the rotated secret as DescribeSecret shows it.
type Secret struct {
	ARN  string `json:"arn,omitempty"`
	Name string `json:"name,omitempty"`
}

// Token is the token of one version. Label is "none" for a version without a label.
type Token struct {
	Label       string   `json:"label"`
	Version     string   `json:"version"`
	CreatedAt   string   `json:"createdAt,omitempty"`
	Fingerprint string   `json:"fingerprint,omitempty"`
	Standing    Standing `json:"standing"`
	Why         string   `json:"why,omitempty"`
}

// Admin is what came of reading the admin's secret and of signing in.
type Admin struct {
	Standing Standing `json:"standing"`
	Why      string   `json:"why,omitempty"`
}

// APIToken is what an API token's secret names and the list of its data app shows.
type APIToken struct {
	DataApp string   `json:"dataApp,omitempty"`
	Name    string   `json:"name,omitempty"`
	Service Admin    `json:"serviceToken"` // with which the list is read
	OfName  int      `json:"ofName"`       // how many listed keys have the name
	Listed  []Listed `json:"listed"`       // the newest of them, and the key of AWSCURRENT
}

// Listed is one key of the list. Standing is left out where the next rotation need not
// ask.
type Listed struct {
	Fingerprint string   `json:"fingerprint"`
	CreatedAt   string   `json:"createdAt,omitempty"`
	Current     bool     `json:"current,omitempty"` // it is that of AWSCURRENT
	Standing    Standing `json:"standing,omitempty"`
}

// Rotation is the state of the rotation, and what the next one would come to.
type Rotation struct {
	Enabled    bool   `json:"enabled"`
	Schedule   string `json:"schedule,omitempty"`
	Last       string `json:"last,omitempty"`
	Next       string `json:"next,omitempty"`
	InProgress string `json:"inProgress,omitempty"`
	// Would says what the next rotation would do, in the words of the plan.
	Would string `json:"would,omitempty"`
	// WouldFail is the error that the next rotation would end with.
	WouldFail string `json:"wouldFail,omitempty"`
}

// Instance is the Databrain that was asked.
type Instance struct {
	URL       string `json:"url"`
	Reachable bool   `json:"reachable"` // it answers as the API does
	TookMs    int64  `json:"tookMs"`
	Why       string `json:"why,omitempty"`
	// AnswersAt is the base URL that answers as the API in place of URL.
	AnswersAt string `json:"answersAt,omitempty"`
}

// Settings are those that decide what a rotation does.
type Settings struct {
	Strategy string `json:"strategy,omitempty"` // of the service token
	Takeover string `json:"takeover,omitempty"` // of the service token
	Version  string `json:"version,omitempty"`  // of the function's build
}
