package finding

import (
	"fmt"
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
	GapMemory      GapClass = "memory"   // the run had no room for more
	GapNetwork     GapClass = "network"
	GapSettings    GapClass = "settings" // the audit's own policy could not be read
)

// Gap is a part of the instance that could not be read: the tokens of one data app,
// or the list of the apps itself.
type Gap struct {
	DataApp    string    `json:"-"` // as the instance spells it; "" for the list of the apps
	Class      GapClass  `json:"class"`
	Status     int       `json:"status,omitempty"`     // HTTP status of the last answer; 0 without one
	Attempts   int       `json:"attempts"`             // requests made for it
	OddEntries int       `json:"oddEntries,omitempty"` // entries of the list that were unreadable
	ReadAt     time.Time `json:"lastReadAt,omitzero"`  // of an app: when it was last read in full, as far as known
}

// Remedy returns what to do about g, and a page about it. A run that failed before it
// asked for the list of the apps says in its error what to do.
func (g *Gap) Remedy() (text, url string) {
	switch {
	case g == nil:
		return GapServer.Remedy()
	case g.DataApp == "" && g.Attempts == 0 && g.Class != GapDeadline:
		return "Databrain was not asked. The error of the run, in its log and in the notes of its summary, " +
			"says why and what to do.", ""
	}
	text, url = g.Class.Remedy()
	if g.DataApp != "" {
		return text, url
	}
	if g.Class == GapDecode { // the first thing that is asked for shows whether the address is that of the API
		text = checkBaseURL + " Otherwise find out what answers in place of the API (a proxy, a login page), " +
			"or whether an upgrade changed the API."
	}
	return text, databrainDocs + "list-data-apps"
}

// MoreMemory is what to do where something does not fit into the memory.
const MoreMemory = "Give AuditFunction more memory (MemorySize in the template)"

const checkBaseURL = "DATABRAIN_BASE_URL (parameter DatabrainBaseUrl) is probably wrong: " +
	"it has to be the origin of the instance with its path prefix, if any, and without /api/v2."

// Remedy returns what to do about a gap of class c, and a page about it.
func (c GapClass) Remedy() (text, url string) {
	switch c {
	case GapAuth:
		return "Find out which version of the secret holds the service token that Databrain accepts, " +
				"and put AWSCURRENT on it: the stack's output DiagnoseCommand says which, and how, or scripts/secret.sh which.",
			databrainDocs + "list-api-tokens"
	case GapForbidden:
		return "Check that the service token may list data apps and API tokens, " +
			"and that no proxy or firewall refuses the audit.", databrainDocs + "list-api-tokens"
	case GapRateLimited:
		return "Lower AUDIT_REQUESTS_PER_MINUTE (parameter AuditRequestsPerMinute), raise RATE_LIMIT on the instance, " +
			"or audit at a quieter time.", rateLimitDocs
	case GapDeadline:
		return "One run had not enough time. Raise RATE_LIMIT on the instance, and with it " +
			"AUDIT_REQUESTS_PER_MINUTE (parameter AuditRequestsPerMinute).", rateLimitDocs
	case GapMemory:
		return "One run had not enough memory. " + MoreMemory + ".", ""
	case GapTimeout:
		return "Check the load of the instance and the network on the way to it, then run the audit again.",
			databrainDocs + "health-check"
	case GapNetwork:
		return "Check that the instance is up and that the function reaches it: " +
				"DATABRAIN_BASE_URL (parameter DatabrainBaseUrl), DNS, routes, security groups, certificate.",
			databrainDocs + "health-check"
	case GapDecode:
		return "Run the audit again. If that changes nothing, find out what answers in place of the API " +
			"(a proxy, a login page), or whether an upgrade changed the API.", databrainDocs + "list-api-tokens"
	}
	return "Look at the log and the health of the instance, then run the audit again.", databrainDocs + "health-check"
}

// why completes the sentence that something could not be read.
func (g *Gap) why() string {
	switch {
	case g == nil:
		return "for an unknown reason"
	case g.Class == GapSettings:
		return "because the audit could not read its own policy"
	case g.Status != 0:
		return fmt.Sprintf("(%s, HTTP status %d, %s)", g.Class, g.Status, counted(g.Attempts, "request"))
	}
	return fmt.Sprintf("(%s, %s)", g.Class, counted(g.Attempts, "request"))
}
