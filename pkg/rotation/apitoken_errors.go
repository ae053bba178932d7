package rotation

import (
	"fmt"
	"strings"
	"time"

	"databrain-rotation/pkg/tokensecret"
)

// undecided says why no key was made or taken.
func (s *apiToken) undecided(plan APITokenPlan, current tokensecret.Value) error {
	token := fmt.Sprintf("the token %s of the data app %s", quoted(current.Name()), quoted(current.DataApp()))
	const which = `out which key is in force, and store it as "key" in AWSCURRENT with every other member as it is`
	switch plan.Action {
	case KeyNotListed:
		return s.fail(APITokenNotListed, nil, "Databrain accepts the key of AWSCURRENT, but the data app "+
			quoted(current.DataApp())+" lists neither that key nor a successor called "+quoted(current.Name())+
			": it was rotated, and its successor has another name or is that of AWSPREVIOUS; or the names in the secret "+
			"are wrong"+shownAll(plan.Keys),
			"Find "+which+`. Correct "dataApp" and "name" if they are wrong`)
	case KeyNoneWorks:
		return s.fail(APITokenRejected, s.cause, "Databrain accepts neither the key of AWSCURRENT, if it has one, nor any "+
			"other key of "+token+shownAll(plan.Keys),
			`If the token was replaced under another name, correct "name" and store "key":"". If there is none that works, `+
				`store "key":"" with a name that the app does not have yet, and the next rotation creates the token`)
	case KeyTied:
		return s.fail(APITokenAmbiguous, nil, "Databrain accepts several keys of "+token+
			", and their dates do not tell which is the newest"+shownAll(plan.Keys),
			"If some of them are in a grace period, a retry after its end decides by itself. Otherwise find "+which)
	case KeyUndated:
		return s.fail(APITokenAmbiguous, nil, "Databrain accepts another key of "+token+" with the date of AWSCURRENT's: it "+
			"may be the answer that an attempt has lost, or a key from before AWSPREVIOUS in its grace period"+
			shownAll(plan.Keys),
			"A retry after the end of AWSPREVIOUS's grace period, if it has one, decides by itself. Or find out whether "+
				`the other key is in force: if so, store it as "key" in AWSCURRENT with every other member as it is`)
	case KeyMisnamed:
		return s.fail(APITokenAmbiguous, nil, "the key of AWSCURRENT is listed under another name, and Databrain accepts "+
			"another key of "+token+", so that the secret may name another token than the one that it holds"+
			shownAll(plan.Keys),
			`Correct "name" in the secret, or store "key":"" to import the key of that name`)
	}
	return s.unavailable("probe of the listed keys", s.cause)
}

func (s *apiToken) inGrace(cause error, listed []ListedKey) error {
	return s.fail(APITokenInGrace, cause, "Databrain accepts the key of AWSCURRENT and refuses to rotate it: it was "+
		"rotated already, by an attempt that did not end or by somebody else, and no key of the name shows its successor"+
		shownAll(listed),
		`Find out which key is its successor, and store it as "key" in AWSCURRENT with every other member as it is, before `+
			"the grace period is over")
}

func (s *apiToken) contractMismatch(tried string, cause error) error {
	if tried != "rotate API token" {
		return s.refused(tried, cause)
	}
	return s.fail(APITokenContractMismatch, cause, "Databrain accepts the key of AWSCURRENT but refuses the request to "+
		"rotate it: the instance probably speaks the other contract",
		"Set API_TOKEN_ROTATE_CONTRACT (parameter ApiTokenRotateContract) to the other value (api-token, service-token)")
}

// shown is a listed key in an error: never the key itself.
func shown(k ListedKey) string {
	date := "an unknown date"
	if !k.CreatedAt.IsZero() {
		date = k.CreatedAt.Format(time.RFC3339)
	}
	return k.Fingerprint + " of " + date
}

func shownAll(keys []ListedKey) string {
	const most = 8
	if len(keys) == 0 {
		return ""
	}
	var all []string
	for i, k := range keys {
		if i == most {
			all = append(all, fmt.Sprintf("%d more", len(keys)-most))
			break
		}
		all = append(all, shown(k))
	}
	return " (fingerprints: " + strings.Join(all, ", ") + ")"
}
