package rotation

import (
	"slices"
	"strings"
	"time"

	"databrain-rotation/pkg/databrain"
)

// ListedKey is an API token as the list of its data app shows it
// (https://docs.usedatabrain.com/developer-docs/helpers/api-reference/list-api-tokens),
// without the key.
type ListedKey struct {
	Fingerprint string
	Name        string
	CreatedAt   time.Time // zero if the instance gave no readable time
}

// APITokenState is what createSecret knows before it decides.
type APITokenState struct {
	Name     string      // of the token, as the secret has it
	Key      Standing    // of AWSCURRENT's key
	Own      string      // its fingerprint; "" without a key
	Previous string      // fingerprint of AWSPREVIOUS's key; "" without one
	List     []ListedKey // of the secret's data app
}

// entry returns AWSCURRENT's key as it is listed, nil if it is not.
func (s APITokenState) entry(list []ListedKey) *ListedKey {
	i := slices.IndexFunc(list, func(k ListedKey) bool { return s.Own != "" && k.Fingerprint == s.Own })
	if i < 0 {
		return nil
	}
	return &list[i]
}

// APITokenAction is what [PlanAPIToken] and [PlanLostAnswer] decide.
type APITokenAction string

// What createSecret may do about an API token.
const (
	KeyImport APITokenAction = "store a listed key: the secret has none yet"
	KeyCreate APITokenAction = "create a token"
	KeyRotate APITokenAction = "rotate the current key"
	KeyAdopt  APITokenAction = "store a listed key: it has replaced the current one already"

	KeyUnavailable APITokenAction = "fail: no answer"
	KeyUndecided   APITokenAction = "fail: the list does not show what became of a request"
	KeyNotListed   APITokenAction = "fail: neither the key nor a successor is listed"
	KeyNoneWorks   APITokenAction = "fail: no key of the name is accepted"
	KeyTied        APITokenAction = "fail: several keys may be the newest"
	KeyUndated     APITokenAction = "fail: a key of the same date may be older and in its grace period"
	KeyMisnamed    APITokenAction = "fail: the current key is listed under another name"
)

// APITokenPlan is a decision with the keys that it is about.
type APITokenPlan struct {
	Action APITokenAction
	Keys   []ListedKey // the key to store, or those that an operator has to choose from
}

// PlanAPIToken decides createSecret of an API token: the newest token of the secret's
// name that the instance accepts is the one in force. It asks for the standing of a
// key, by its fingerprint, when it needs to know. No answer is never read as rejected,
// and nothing is made or adopted on it.
//
// Databrain documents neither whether a rotated token keeps its name or its date, nor
// whether keys in their grace period, or expired ones, are listed. Every rule here
// holds in each of these readings, or fails by name.
func PlanAPIToken(s APITokenState, ask func(fingerprint string) Standing) APITokenPlan {
	named := s.namesakes(s.List)
	switch s.Key {
	case Absent:
		if len(named) == 0 {
			return APITokenPlan{Action: KeyCreate}
		}
		return newestAccepted(named, ask, KeyImport, KeyNoneWorks)
	case Accepted:
		return s.planAccepted(named, ask)
	case Rejected:
		return s.planRejected(named, ask)
	}
	return APITokenPlan{Action: KeyUnavailable}
}

// namesakes are the entries of the secret's name but AWSCURRENT's own.
func (s APITokenState) namesakes(list []ListedKey) (named []ListedKey) {
	for _, k := range list {
		if k.Name == s.Name && k.Fingerprint != s.Own {
			named = append(named, k)
		}
	}
	return named
}

// planAccepted looks for a key that has replaced the current one: an earlier attempt
// lost its answer, or somebody rotated by hand.
func (s APITokenState) planAccepted(named []ListedKey, ask func(string) Standing) APITokenPlan {
	own := s.entry(s.List)
	successors := slices.DeleteFunc(slices.Clone(named), func(k ListedKey) bool {
		return k.Fingerprint == s.Previous || own != nil && before(k, *own)
	})
	none := KeyRotate
	if own == nil { // it was rotated: to rotate it again would make a second successor
		none = KeyNotListed
	}
	plan := newestAccepted(successors, ask, KeyAdopt, none)
	if plan.Action != KeyAdopt || own == nil {
		return plan
	}
	switch {
	case own.Name != s.Name: // the name in the secret may be that of another token
		plan.Action = KeyMisnamed
	case !before(*own, plan.Keys[0]) && s.Previous != "":
		// A rotated key may keep its date. Then a key from before AWSPREVIOUS looks the
		// same, and lives on as long as AWSPREVIOUS does.
		switch ask(s.Previous) {
		case Accepted:
			plan.Action = KeyUndated
		case Rejected:
		default:
			plan.Action = KeyUnavailable
		}
	}
	return plan
}

// planRejected takes the newest key that works. AWSPREVIOUS's may be in its grace
// period, so that it comes last.
func (s APITokenState) planRejected(named []ListedKey, ask func(string) Standing) APITokenPlan {
	isPrevious := func(k ListedKey) bool { return k.Fingerprint == s.Previous }
	others := slices.DeleteFunc(slices.Clone(named), isPrevious)
	plan := newestAccepted(others, ask, KeyAdopt, KeyNoneWorks)
	if plan.Action == KeyNoneWorks && len(others) < len(named) {
		previous := named[slices.IndexFunc(named, isPrevious)]
		plan = newestAccepted([]ListedKey{previous}, ask, KeyAdopt, KeyNoneWorks)
	}
	return plan
}

// PlanLostAnswer decides what became of a request to create or rotate whose answer was
// lost, from the list after it: s is the state before. The new key was not listed before.
// It has the name; or else a name that was made of it and of no other token's; or else,
// where a rotated key is no longer listed, it is the only one of a name that is new.
// Other tokens of the app may have been rotated meanwhile.
func PlanLostAnswer(s APITokenState, after []ListedKey, ask func(fingerprint string) Standing) APITokenPlan {
	replaced := s.entry(s.List) != nil && s.entry(after) == nil // its successor stands in its place
	var named, derived, strange []ListedKey
	for _, k := range after {
		known := slices.ContainsFunc(s.List, func(old ListedKey) bool { return old.Fingerprint == k.Fingerprint })
		if known || k.Fingerprint == s.Own {
			continue
		}
		switch origin := s.origin(k.Name); {
		case k.Name == s.Name:
			named = append(named, k)
		case s.Own == "": // a token that is created has the name that was asked for
		case origin == s.Name:
			derived = append(derived, k)
		case origin == "" && replaced:
			strange = append(strange, k)
		}
	}
	for _, keys := range [][]ListedKey{named, derived} {
		if plan := newestAccepted(keys, ask, KeyAdopt, KeyUndecided); plan.Action != KeyUndecided {
			return plan
		}
	}
	if len(strange) > 1 {
		return APITokenPlan{KeyTied, strange}
	}
	return newestAccepted(strange, ask, KeyAdopt, KeyUndecided)
}

// origin returns the longest name of the list, or of the secret, that a name contains; ""
// if it contains none.
func (s APITokenState) origin(name string) (longest string) {
	for _, known := range append(slices.Clone(s.List), ListedKey{Name: s.Name}) {
		if strings.Contains(name, known.Name) && len(known.Name) > len(longest) {
			longest = known.Name
		}
	}
	return longest
}

// newestAccepted decides on the strictly newest of the keys that the instance accepts.
func newestAccepted(keys []ListedKey, ask func(string) Standing, one, none APITokenAction) APITokenPlan {
	var accepted []ListedKey
	for _, k := range keys {
		switch ask(k.Fingerprint) {
		case Accepted:
			accepted = append(accepted, k)
		case Rejected:
		default:
			return APITokenPlan{KeyUnavailable, []ListedKey{k}}
		}
	}
	for i, k := range accepted {
		others := slices.Delete(slices.Clone(accepted), i, i+1)
		if !slices.ContainsFunc(others, func(other ListedKey) bool { return !before(other, k) }) {
			return APITokenPlan{one, []ListedKey{k}}
		}
	}
	if len(accepted) > 0 {
		return APITokenPlan{KeyTied, accepted}
	}
	return APITokenPlan{none, keys}
}

// before reports whether a is older than b, as far as their dates are readable.
func before(a, b ListedKey) bool {
	return !a.CreatedAt.IsZero() && !b.CreatedAt.IsZero() && a.CreatedAt.Before(b.CreatedAt)
}

// MadeAction is what [PlanMade] decides.
type MadeAction string

// What may follow a request to create or rotate an API token.
const (
	MadeStore       MadeAction = "store Databrain's key"
	MadeLook        MadeAction = "look into the list, after an unknown outcome"
	MadeContract    MadeAction = "look into the list, then fail: wrong contract"
	MadeInGrace     MadeAction = "look into the list, then fail: the key may not be rotated"
	MadeUnavailable MadeAction = "fail: not reached"
	MadeRefused     MadeAction = "fail: refused"
)

// PlanMade decides what follows a request that is not idempotent. answer is nil if
// it succeeded; fresh says whether the key it gave differs from the current one.
// Databrain has just accepted the current key, so that an authentication error or a
// refused body means that the endpoint speaks the other contract, and "invalid key
// state" that the key is in a grace period already
// (https://docs.usedatabrain.com/developer-docs/helpers/api-reference/rotate-api-key).
func PlanMade(answer *databrain.Error, fresh bool) MadeAction {
	switch {
	case answer == nil && fresh:
		return MadeStore
	case answer == nil, databrain.Unknown(answer):
		return MadeLook
	case answer.Code == "INVALID_DATA_APP_API_KEY":
		return MadeInGrace
	case answer.Class == databrain.ClassAuth && answer.Code == "": // a page that something else than the API sent
		return MadeUnavailable
	case answer.Class == databrain.ClassAuth, answer.Class == databrain.ClassInvalid:
		return MadeContract
	case answer.Class == databrain.ClassNetwork, answer.Class == databrain.ClassTimeout,
		answer.Class == databrain.ClassForbidden:
		return MadeUnavailable
	}
	return MadeRefused // rate limited, permanent, no such data app
}
