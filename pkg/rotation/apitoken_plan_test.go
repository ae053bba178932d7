package rotation_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"databrain-rotation/pkg/databrain"
	"databrain-rotation/pkg/rotation"
)

// TestPlanAPIToken is the table of createSecret, row by row, in each reading of what
// Databrain does not document. An entry of the list is written name@day=standing with
// the fingerprint before it: "old:Prod@1=accepted".
func TestPlanAPIToken(t *testing.T) {
	for name, tt := range map[string]struct {
		key      rotation.Standing // of "own"
		list     string
		previous rotation.Standing // of "prev"; "" = AWSPREVIOUS has no key
		want     rotation.APITokenAction
		keys     string
	}{
		// 2. No key yet.
		"none of the name": {rotation.Absent, "a:Other@1=accepted", "", rotation.KeyCreate, ""},
		"one":              {rotation.Absent, "a:Prod@1=accepted b:Other@9=accepted", "", rotation.KeyImport, "a"},
		"two: the newest":  {rotation.Absent, "a:Prod@1=accepted b:Prod@2=accepted", "", rotation.KeyImport, "b"},
		"the newest is expired and listed for ever": {
			rotation.Absent, "a:Prod@1=accepted b:Prod@2=rejected", "", rotation.KeyImport, "a"},
		"all expired: none is made beside them": {
			rotation.Absent, "a:Prod@1=rejected b:Prod@2=rejected", "", rotation.KeyNoneWorks, "a b"},
		"two of one date":         {rotation.Absent, "a:Prod@2=accepted b:Prod@2=accepted", "", rotation.KeyTied, "a b"},
		"one without a date":      {rotation.Absent, "a:Prod@0=accepted", "", rotation.KeyImport, "a"},
		"two, one without a date": {rotation.Absent, "a:Prod@0=accepted b:Prod@2=accepted", "", rotation.KeyTied, "a b"},
		"no answer about the older": {rotation.Absent, "a:Prod@1=no_answer b:Prod@2=accepted", "",
			rotation.KeyUnavailable, "a"},
		"AWSPREVIOUS's may be imported": {
			rotation.Absent, "prev:Prod@2=accepted", rotation.Accepted, rotation.KeyImport, "prev"},

		// 3. The key works and is listed.
		"the normal case":       {rotation.Accepted, "own:Prod@2", "", rotation.KeyRotate, ""},
		"another name is newer": {rotation.Accepted, "own:Prod@2 a:Other@9=accepted", "", rotation.KeyRotate, ""},
		"an older one works, in its grace period or made before": {
			rotation.Accepted, "own:Prod@2 a:Prod@1=accepted", "", rotation.KeyRotate, ""},
		"AWSPREVIOUS is listed, in its grace period": {
			rotation.Accepted, "own:Prod@2 prev:Prod@1=accepted", rotation.Accepted, rotation.KeyRotate, ""},
		"AWSPREVIOUS is listed with the same date": {
			rotation.Accepted, "own:Prod@2 prev:Prod@2=accepted", rotation.Accepted, rotation.KeyRotate, ""},
		"expired ones are listed for ever, with the same date": {
			rotation.Accepted, "own:Prod@2 a:Prod@2=rejected prev:Prod@2=rejected", rotation.Rejected, rotation.KeyRotate, "a"},
		"the rotated key got another name": {
			rotation.Accepted, "own:Prod_(rotated)@2 prev:Prod@1=accepted", rotation.Accepted, rotation.KeyRotate, ""},
		"a lost answer, dated": {
			rotation.Accepted, "own:Prod@2 a:Prod@3=accepted", "", rotation.KeyAdopt, "a"},
		"a lost answer of the same date": {
			rotation.Accepted, "own:Prod@2 a:Prod@2=accepted", "", rotation.KeyAdopt, "a"},
		"a lost answer of the same date, AWSPREVIOUS dead": {
			rotation.Accepted, "own:Prod@2 a:Prod@2=accepted", rotation.Rejected, rotation.KeyAdopt, "a"},
		"the same date, AWSPREVIOUS alive: it may be older": {
			rotation.Accepted, "own:Prod@2 a:Prod@2=accepted", rotation.Accepted, rotation.KeyUndated, "a"},
		"the same date, no answer about AWSPREVIOUS": {
			rotation.Accepted, "own:Prod@2 a:Prod@2=accepted", rotation.NoAnswer, rotation.KeyUnavailable, "a"},
		"a newer one, AWSPREVIOUS alive": {
			rotation.Accepted, "own:Prod@2 a:Prod@3=accepted", rotation.Accepted, rotation.KeyAdopt, "a"},
		"two newer ones": {
			rotation.Accepted, "own:Prod@2 a:Prod@3=accepted b:Prod@4=accepted", "", rotation.KeyAdopt, "b"},
		"two newer ones of one date": {
			rotation.Accepted, "own:Prod@2 a:Prod@3=accepted b:Prod@3=accepted", "", rotation.KeyTied, "a b"},
		"a newer one that is dead": {
			rotation.Accepted, "own:Prod@2 a:Prod@3=rejected", "", rotation.KeyRotate, "a"},
		"no answer about a newer one": {
			rotation.Accepted, "own:Prod@2 a:Prod@3=no_answer", "", rotation.KeyUnavailable, "a"},
		"own without a date, another works": {
			rotation.Accepted, "own:Prod@0 a:Prod@1=accepted", "", rotation.KeyAdopt, "a"},
		"the name is that of another token": {
			rotation.Accepted, "own:Other@2 a:Prod@3=accepted", "", rotation.KeyMisnamed, "a"},

		// 3. The key works and is not listed: it is in its grace period.
		"a lost answer, own not listed": {
			rotation.Accepted, "a:Prod@1=accepted", "", rotation.KeyAdopt, "a"},
		"own not listed, the successor has the same date as AWSPREVIOUS": {
			rotation.Accepted, "a:Prod@2=accepted prev:Prod@2=accepted", rotation.Accepted, rotation.KeyAdopt, "a"},
		"own not listed, no successor": {rotation.Accepted, "a:Other@3=accepted", "", rotation.KeyNotListed, ""},
		"own not listed, only AWSPREVIOUS's": {
			rotation.Accepted, "prev:Prod@3=accepted", rotation.Accepted, rotation.KeyNotListed, ""},
		"own not listed, a dead namesake": {rotation.Accepted, "a:Prod@3=rejected", "", rotation.KeyNotListed, "a"},
		"own not listed, two successors of one date": {
			rotation.Accepted, "a:Prod@3=accepted b:Prod@3=accepted", "", rotation.KeyTied, "a b"},

		// 4. The key is dead.
		"dead, a successor":        {rotation.Rejected, "own:Prod@2 a:Prod@1=accepted", "", rotation.KeyAdopt, "a"},
		"dead, none of the name":   {rotation.Rejected, "a:Other@3=accepted", "", rotation.KeyNoneWorks, ""},
		"dead, all others dead":    {rotation.Rejected, "a:Prod@3=rejected", "", rotation.KeyNoneWorks, "a"},
		"dead, two of one date":    {rotation.Rejected, "a:Prod@3=accepted b:Prod@3=accepted", "", rotation.KeyTied, "a b"},
		"dead, no answer":          {rotation.Rejected, "a:Prod@3=no_answer", "", rotation.KeyUnavailable, "a"},
		"dead, AWSPREVIOUS's only": {rotation.Rejected, "prev:Prod@3=accepted", rotation.Accepted, rotation.KeyAdopt, "prev"},
		"dead, AWSPREVIOUS's and another of one date": {
			rotation.Rejected, "prev:Prod@3=accepted a:Prod@3=accepted", rotation.Accepted, rotation.KeyAdopt, "a"},

		"no answer about the key": {rotation.NoAnswer, "own:Prod@2 a:Prod@3=accepted", "", rotation.KeyUnavailable, ""},
		"an unknown standing":     {"made up", "own:Prod@2", "", rotation.KeyUnavailable, ""},
	} {
		t.Run(name, func(t *testing.T) {
			list, standings := keyList(t, tt.list)
			state := rotation.APITokenState{Name: "Prod", Key: tt.key, List: list}
			if tt.key != rotation.Absent {
				state.Own = "own"
			}
			if tt.previous != "" {
				state.Previous, standings["prev"] = "prev", tt.previous
			}
			got := rotation.PlanAPIToken(state, func(f string) rotation.Standing { return standings[f] })
			if got.Action != tt.want || fingerprints(got.Keys) != tt.keys {
				t.Errorf("%s with %q, want %s with %q", got.Action, fingerprints(got.Keys), tt.want, tt.keys)
			}
		})
	}
}

// TestPlanLostAnswer: only a key that was not listed before is the one of a lost answer.
func TestPlanLostAnswer(t *testing.T) {
	for name, tt := range map[string]struct {
		own, before, after string
		want               rotation.APITokenAction
		keys               string
	}{
		"created":                      {"", "", "a:Prod@3=accepted", rotation.KeyAdopt, "a"},
		"created, another name beside": {"", "", "a:Prod@3=accepted b:Prod2@4=accepted", rotation.KeyAdopt, "a"},
		"not created":                  {"", "x:Other@1", "x:Other@1=accepted b:Prod2@4=accepted", rotation.KeyUndecided, ""},
		"rotated, own listed":          {"own", "own:Prod@2", "own:Prod@2 a:Prod@3=accepted", rotation.KeyAdopt, "a"},
		"rotated, own not listed":      {"own", "own:Prod@2", "a:Prod@3=accepted", rotation.KeyAdopt, "a"},
		"rotated, the same date": {"own", "own:Prod@2 x:Prod@2",
			"own:Prod@2 x:Prod@2=accepted a:Prod@2=accepted", rotation.KeyAdopt, "a"},
		"another name, own listed": {"own", "own:Prod@2", "own:Prod@2 a:Prod_(rotated)@3=accepted",
			rotation.KeyAdopt, "a"},
		"another name, own not listed": {"own", "own:Prod@2", "a:x@3=accepted", rotation.KeyAdopt, "a"},
		"somebody's token of another name": {
			"own", "own:Prod@2", "own:Prod@2 a:Staging@3=accepted", rotation.KeyUndecided, ""},
		"two at once":        {"own", "own:Prod@2", "a:Prod@3=accepted b:Prod@3=accepted", rotation.KeyTied, "a b"},
		"no answer about it": {"own", "own:Prod@2", "a:Prod@3=no_answer", rotation.KeyUnavailable, "a"},
		"it is rejected":     {"own", "own:Prod@2", "a:Prod@3=rejected", rotation.KeyUndecided, ""},
		"another token is rotated too": {"own", "own:Prod@2 x:Staging@1",
			"a:Prod@3=accepted b:Staging@4=accepted", rotation.KeyAdopt, "a"},
		"another token alone": {"own", "own:Prod@2 x:Staging@1",
			"own:Prod@2 b:Staging@4=accepted", rotation.KeyUndecided, ""},
		"both get new names": {"own", "own:Prod@2 x:Staging@1",
			"a:Prod_(rotated)@3=accepted b:Staging_(rotated)@4=accepted", rotation.KeyAdopt, "a"},
		"another token of a longer name": {"own", "own:Prod@2 x:Prod-admin@1",
			"own:Prod@2 b:Prod-admin@4=accepted c:Prod-admin_(rotated)@5=accepted", rotation.KeyUndecided, ""},
		"somebody's token of a name like ours": {"own", "own:Prod@2",
			"a:Prod@3=accepted b:Prod_2@4=accepted", rotation.KeyAdopt, "a"},
		"a name that is new beside one of ours": {"own", "own:Prod@2",
			"a:Prod_(rotated)@3=accepted b:x@4=accepted", rotation.KeyAdopt, "a"},
		"two names that are new": {"own", "own:Prod@2", "a:x@3=accepted b:y@4=accepted", rotation.KeyTied, "a b"},
		"nothing happened":       {"own", "own:Prod@2", "own:Prod@2", rotation.KeyUndecided, ""},
		"own was not listed before": {"own", "x:Prod@1", "x:Prod@1=accepted a:Staging@3=accepted",
			rotation.KeyUndecided, ""},
		"own appears in the meantime": {"own", "", "own:Prod@2=accepted", rotation.KeyUndecided, ""},
	} {
		t.Run(name, func(t *testing.T) {
			before, _ := keyList(t, tt.before)
			after, standings := keyList(t, tt.after)
			state := rotation.APITokenState{Name: "Prod", Own: tt.own, List: before}
			got := rotation.PlanLostAnswer(state, after, func(f string) rotation.Standing { return standings[f] })
			if got.Action != tt.want || fingerprints(got.Keys) != tt.keys {
				t.Errorf("%s with %q, want %s with %q", got.Action, fingerprints(got.Keys), tt.want, tt.keys)
			}
		})
	}
}

// TestPlanAPITokenTakesOnlyWhatWorks: whatever is listed, a key that is stored is
// accepted, of the name, and neither the current one nor made beside an unknown one.
func TestPlanAPITokenTakesOnlyWhatWorks(t *testing.T) {
	standings := []rotation.Standing{rotation.Absent, rotation.Accepted, rotation.Rejected, rotation.NoAnswer}
	entries := []string{""}
	for _, who := range []string{"own", "prev", "a"} {
		var more []string
		for _, e := range entries {
			more = append(more, e)
			for _, kind := range []string{"Prod@1", "Prod@2", "Prod@0", "Other@2"} {
				more = append(more, strings.TrimSpace(e+" "+who+":"+kind))
			}
		}
		entries = more
	}
	rows := 0
	for _, text := range entries {
		list, _ := keyList(t, text)
		for _, key := range standings {
			for _, previous := range standings[1:] {
				for _, other := range standings[1:] {
					rows++
					ask := func(f string) rotation.Standing {
						return map[string]rotation.Standing{"own": key, "prev": previous, "a": other}[f]
					}
					state := rotation.APITokenState{Name: "Prod", Key: key, Previous: "prev", List: list}
					if key != rotation.Absent {
						state.Own = "own"
					}
					plan := rotation.PlanAPIToken(state, ask)
					where := fmt.Sprintf("%q key %s previous %s other %s", text, key, previous, other)
					switch plan.Action {
					case rotation.KeyImport, rotation.KeyAdopt:
						k := plan.Keys[0]
						if len(plan.Keys) != 1 || k.Name != "Prod" || k.Fingerprint == state.Own ||
							ask(k.Fingerprint) != rotation.Accepted {
							t.Errorf("%s: %s %v", where, plan.Action, plan.Keys)
						}
					case rotation.KeyRotate:
						if key != rotation.Accepted || !strings.Contains(text, "own:") {
							t.Errorf("%s: rotates", where)
						}
					case rotation.KeyCreate:
						if key != rotation.Absent || strings.Contains(text, "Prod") {
							t.Errorf("%s: creates", where)
						}
					}
				}
			}
		}
	}
	t.Logf("%d combinations", rows)
}

// TestPlanMade decides on each kind of answer to a request that makes a key.
func TestPlanMade(t *testing.T) {
	if got := rotation.PlanMade(nil, true); got != rotation.MadeStore {
		t.Errorf("a new key: %s", got)
	}
	if got := rotation.PlanMade(nil, false); got != rotation.MadeLook {
		t.Errorf("the old key again: %s", got)
	}
	for want, answers := range map[rotation.MadeAction][]databrain.Error{
		rotation.MadeInGrace: {{Class: databrain.ClassInvalid, Code: "INVALID_DATA_APP_API_KEY", Status: 400}},
		rotation.MadeContract: {
			{Class: databrain.ClassAuth, Status: 401, Code: "AUTHENTICATION_ERROR"},
			{Class: databrain.ClassAuth, Status: 400, Code: "AUTHENTICATION_ERROR"},
			{Class: databrain.ClassInvalid, Status: 400, Code: "INVALID_REQUEST_BODY"},
		},
		rotation.MadeUnavailable: {
			{Class: databrain.ClassNetwork}, {Class: databrain.ClassTimeout}, {Class: databrain.ClassForbidden, Status: 403},
			{Class: databrain.ClassAuth, Status: 401}, // a proxy's page
		},
		rotation.MadeRefused: {
			{Class: databrain.ClassRateLimited}, {Class: databrain.ClassPermanent}, {Class: databrain.ClassNotFound},
		},
	} {
		for _, answer := range answers {
			if got := rotation.PlanMade(&answer, false); got != want {
				t.Errorf("%v: %s, want %s", &answer, got, want)
			}
		}
	}
}

func keyList(t *testing.T, text string) ([]rotation.ListedKey, map[string]rotation.Standing) {
	t.Helper()
	var list []rotation.ListedKey
	standings := make(map[string]rotation.Standing)
	for entry := range strings.FieldsSeq(text) {
		fingerprint, rest, _ := strings.Cut(entry, ":")
		name, rest, _ := strings.Cut(rest, "@")
		day, standing, _ := strings.Cut(rest, "=")
		k := rotation.ListedKey{Fingerprint: fingerprint, Name: strings.ReplaceAll(name, "_", " ")}
		if day != "0" {
			k.CreatedAt = time.Date(2024, 1, int(day[0]-'0'), 0, 0, 0, 0, time.UTC)
		}
		list = append(list, k)
		standings[fingerprint] = rotation.Standing(strings.ReplaceAll(standing, "_", " "))
	}
	return list, standings
}

func fingerprints(keys []rotation.ListedKey) string {
	var all []string
	for _, k := range keys {
		all = append(all, k.Fingerprint)
	}
	return strings.Join(all, " ")
}
