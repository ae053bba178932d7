package databraintest

import "time"

// Contract is one of the two contracts that the reference has given for one
// rotate address. No page says which release speaks which.
type Contract int

const (
	// ServiceTokenContract is the newer one: the credential being rotated is the
	// Authorization, and the body holds expireAt alone.
	ServiceTokenContract Contract = iota
	// AdminContract is the older one: the Authorization is the next higher
	// credential (admin JWT for a service token, service token for an API token)
	// and the body names the credential being rotated.
	AdminContract
)

// Timestamps is how dates are written.
type Timestamps int

const (
	// WholeSeconds writes 2024-01-15T10:30:00Z, as every example does.
	WholeSeconds Timestamps = iota
	// Milliseconds writes 2024-01-15T10:30:00.000Z, as JavaScript does.
	// Inferred, not documented.
	Milliseconds
	// Offset writes 2024-01-15T16:00:00.000000+05:30: the same instant in another
	// zone, with fractions, as a database may. Inferred, not documented.
	Offset
)

// Order is the order of list answers. None is promised.
type Order int

const (
	// NewestFirst is what the examples show.
	NewestFirst Order = iota
	// Shuffled is one order drawn from [Switches.Seed] that stays while the set
	// does, so that pages are a partition of it.
	Shuffled
	// Reshuffled draws anew for every answer, as a query without ORDER BY may:
	// pages then repeat some entries and miss others.
	Reshuffled
)

// Switches choose among answers that the documentation leaves open, contradicts,
// or gives for another kind of instance. The zero value is the likeliest
// self-hosted instance.
type Switches struct {
	// RotateContract is the contract of POST /api/v2/service-token/rotate
	// ({REF}/rotate-service-token).
	RotateContract Contract
	// RotateAPIContract is the contract of POST /api/v2/data-app/rotate-api
	// ({REF}/rotate-api-key).
	RotateAPIContract Contract
	// Cloud refuses the admin endpoints, saving a service token and the older
	// rotate contract with 500 SELFHOSTED_APP_ERROR.
	Cloud bool
	// KebabOnly does not serve the legacy spelling /api/v2/dataApp.
	KebabOnly bool
	// BadServiceToken401 answers a bad service token on data app pages with 401.
	// Documented: 400.
	BadServiceToken401 bool
	// Expired400 answers an expired token at the newer rotate contract with 400
	// EXPIRED_SERVICE_TOKEN. Without it: 401 AUTHENTICATION_ERROR. The page lists
	// "already expired" under both.
	Expired400 bool
	// BadJWT400 answers a bad admin JWT with 400 instead of 401. Both inferred,
	// not documented.
	BadJWT400 bool
	// IgnoreUnknownKeys takes bodies with keys of no contract. Without it they are
	// refused as Joi does by default. Both inferred, not documented.
	IgnoreUnknownKeys bool
	// RefuseRotateInGrace refuses to rotate a credential that is in its grace
	// period already, a service token or an API token. Both inferred, not documented.
	RefuseRotateInGrace bool
	// RenameRotated gives the new API token of a rotation another name than the old
	// one's. Without it the name is kept. Both inferred, not documented.
	RenameRotated bool
	// KeepCreatedAt dates the new API token of a rotation as the old one. Without it
	// the date is that of the rotation. Both inferred, not documented.
	KeepCreatedAt bool
	// ListInGrace lists rotated API tokens until the end of their grace, and
	// ListExpired for ever. Without them they are not listed. All inferred, not
	// documented.
	ListInGrace, ListExpired bool
	// EmbedsByServiceToken accepts the service token in place of an API token where
	// embeds are listed, as the vendor's demonstrations have it. Without it the
	// token is refused, as {REF}/list-embed has it.
	EmbedsByServiceToken bool
	// BadAPIKeyStatus and BadAPIKeyCode answer a bad API token where embeds are
	// listed. Zero and "" mean 401 INVALID_DATA_APP_API_KEY. Pages also have 400, and
	// the codes AUTHENTICATION_ERROR and AUTHENTICATION_ERR.
	BadAPIKeyStatus int
	BadAPIKeyCode   string
	// DropGraceOnSave ends the grace of every other token when a service token is
	// saved. Without it only tokens without an end are replaced. Both inferred,
	// not documented.
	DropGraceOnSave bool
	// ErrorStatus repeats the HTTP status as error.status, as older pages show.
	ErrorStatus bool
	// NullError adds "error": null to successful answers, as other Databrain
	// endpoints do.
	NullError bool
	// Timestamps is how dates are written.
	Timestamps Timestamps
	// Order is the order of lists, and Seed what its shuffles are drawn from.
	// Tokens of [DataApp.Generate] keep the generator's order.
	Order Order
	Seed  uint64
	// IgnorePagination answers every page of a list with the whole list.
	// Inferred, not documented.
	IgnorePagination bool
	// PageSize is the number of entries on a page. Zero = 10, as documented; that
	// every release keeps to it is not.
	PageSize int
	// IgnoreWhole answers a request for the whole list with its first page.
	// Inferred, not documented.
	IgnoreWhole bool
	// Cap, unless zero, is how many entries an answer has at the most that is no page.
	// Inferred, not documented.
	Cap int
	// LeaveOut drops every n-th entry of an answer that is no page, as a filter
	// of the wrong kind does; zero drops none. Inferred, not documented.
	LeaveOut int
	// Repeat gives the first entry of an answer in place of its last as well.
	// Inferred, not documented.
	Repeat bool
	// MaskKeys shows every key of a list in that form, with "%" for its last four
	// characters; empty shows keys in full, as documented.
	MaskKeys string
	// PropagationDelay is how late GET endpoints learn what happened to service
	// tokens, as from a replica that lags: a new token is refused and a replaced
	// one accepted for so long. Inferred, not documented.
	PropagationDelay time.Duration
	// RateLimit is the number of requests that an address may make in two minutes,
	// after which all get 429; 0 = no limit. The page on rate limits gives 500 as
	// the default and neither a body nor header names.
	RateLimit int
}
