package rotation_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// roundTrip is the requests that a step makes at the same time: none of them needs the
// answer to another.
type roundTrip []request

// request has what it is for, and in the first of its round trip why it waits for the one
// before.
type request struct{ op, why string }

// The round trips of a step. A step is an invocation of its own and knows nothing of the
// one before, so that each begins with a DescribeSecret.
var (
	describes = request{"DescribeSecret", "is the version pending, is rotation on, who has AWSCURRENT?"}

	createByReplace = []roundTrip{
		{
			describes,
			{"GetSecretValue AWSPENDING", "has an attempt before stored a token? Then nothing is minted"},
			{"GetSecretValue AWSCURRENT", "the document whose other fields are kept; it must not be equal to pending"},
		},
		{{"PutSecretValue AWSPENDING", "stored before Databrain hears of it"}},
	}
	createByGrace = []roundTrip{
		{
			describes,
			{"GetSecretValue AWSPENDING", "has an attempt before stored a token?"},
			{"GetSecretValue AWSCURRENT", "the token to rotate, and the document"},
		},
		{{"probe", "current works: else there is nothing to keep for a grace period"}},
		{
			{
				"UpdateSecretVersionStage AWSPENDING",
				"may finishSecret move a label? Else the old token would end without an heir",
			},
			{"GetSecretValue of databrain/admin", "could the fallback be carried out, if the answer is lost?"},
		},
		{{"rotate service token", "once"}},
		{{"PutSecretValue AWSPENDING", "at once"}},
	}
	setBySaving = []roundTrip{
		{
			describes,
			{"GetSecretValue AWSPENDING", "the token to save"},
			{"GetSecretValue AWSCURRENT", "the token that entitles the function to save another"},
		},
		{{"probe", "pending: is it live already? Then the other token may be dead, and nobody is signed in"}},
		{
			{"probe", "current: does it work, or would this be a takeover?"},
			{"GetSecretValue of databrain/admin", "read when needed, kept nowhere"},
		},
		{
			{
				"UpdateSecretVersionStage AWSPENDING",
				"may finishSecret move a label? Else the old token would die without an heir",
			},
			{"sign in", "once; the JWT is kept nowhere"},
		},
		{{"save service token", "once"}},
		{{"probe", "pending: does it work now?"}},
	}
	setByProbing = []roundTrip{
		{describes, {"GetSecretValue AWSPENDING", "the token that Databrain made"}},
		{{"probe", "pending: it is live"}},
	}
	testByProbing = []roundTrip{
		{describes, {"GetSecretValue AWSPENDING", "the token to prove"}},
		{{"probe", "pending: authenticated, not just reachable"}},
	}
	finishes = []roundTrip{
		{
			describes,
			{"GetSecretValue AWSPENDING", "the token to promote"},
			{"GetSecretValue AWSCURRENT", "must not be equal to pending"},
		},
		{{"probe", "pending: not rejected since testSecret"}},
		{{"UpdateSecretVersionStage AWSCURRENT", "the last request of a rotation"}},
	}
)

// The round trips of an API token's rotation. createSecret begins with looks, whatever it
// does after it.
var (
	readsService = request{"GetSecretValue AWSCURRENT of " + serviceSecret, "the token that lists are read with"}
	lists        = request{"list API tokens", "which key is in force? Has an attempt lost its answer?"}
	probesKey    = request{"probe API token", "pending: authenticated, not just reachable"}

	looks = []roundTrip{
		{
			describes,
			{"GetSecretValue AWSPENDING", "has an attempt before stored a key?"},
			{"GetSecretValue AWSCURRENT", "which data app, which name, which key?"},
		},
		{readsService},
		{lists},
	}
	createByRotating = slices.Concat(looks, []roundTrip{
		{{"probe API token", "current works: else there is nothing to rotate"}},
		{{"GetSecretValue AWSPREVIOUS", "a key that is listed in its grace period is no successor"}},
		{{"UpdateSecretVersionStage AWSPENDING", "may finishSecret move a label?"}},
		{{"rotate API token", "once"}},
		{{"PutSecretValue AWSPENDING", "at once"}},
	})
	createByImporting = slices.Concat(looks, []roundTrip{
		{{"probe API token", "the newest key of the name works"}},
		{{"PutSecretValue AWSPENDING", "nothing was made"}},
	})
	createByCreating = slices.Concat(looks, []roundTrip{
		{{"UpdateSecretVersionStage AWSPENDING", "may finishSecret move a label?"}},
		{{"create API token", "once"}},
		{{"PutSecretValue AWSPENDING", "at once"}},
	})
	setKeyByProbing = []roundTrip{
		{describes, {"GetSecretValue AWSPENDING", "the key that Databrain made"}},
		{probesKey},
	}
	testByListing = []roundTrip{
		{
			describes,
			{"GetSecretValue AWSPENDING", "the key to prove"},
			{"GetSecretValue AWSCURRENT", "in a pre-flight: which data app, which name?"},
		},
		{probesKey},
		{readsService},
		{lists},
	}
	finishesKey = []roundTrip{
		finishes[0],
		{{"probe API token", "pending: not rejected since testSecret"}},
		finishes[2],
	}
)

// course is a rotation that nothing disturbs.
type course struct {
	mode, start string
	steps       [4][]roundTrip
}

func courses() []course {
	signIn := roundTrip{{"sign in", "the older contract wants the admin's JWT"}}
	createAsAdmin := slices.Insert(slices.Clone(createByGrace), 3, signIn)
	return []course{
		{"replace", "normal", [4][]roundTrip{createByReplace, setBySaving, testByProbing, finishes}},  // 22 requests in 13
		{"grace", "normal", [4][]roundTrip{createByGrace, setByProbing, testByProbing, finishes}},     // 19 in 12
		{"grace-jwt", "normal", [4][]roundTrip{createAsAdmin, setByProbing, testByProbing, finishes}}, // 20 in 13

		{"key", "normal", [4][]roundTrip{createByRotating, setKeyByProbing, testByListing, finishesKey}},         // 24 in 17
		{"key-service", "normal", [4][]roundTrip{createByRotating, setKeyByProbing, testByListing, finishesKey}}, // 24 in 17
		{"key", "import", [4][]roundTrip{createByImporting, setKeyByProbing, testByListing, finishesKey}},        // 21 in 14
		{"key", "create", [4][]roundTrip{createByCreating, setKeyByProbing, testByListing, finishesKey}},         // 22 in 15
	}
}

// TestFewestRequests compares a rotation that nothing disturbs, request by request.
func TestFewestRequests(t *testing.T) {
	for _, tt := range courses() {
		t.Run(tt.mode+"/"+tt.start, func(t *testing.T) {
			var expected, got []string
			for i, step := range []string{"createSecret", "setSecret", "testSecret", "finishSecret"} {
				for _, request := range slices.Concat(tt.steps[i]...) {
					expected = append(expected, step+": "+request.op)
				}
			}
			for _, c := range (schedule{setup: setup{tt.mode, tt.start, "default"}}).check(t).calls {
				got = append(got, c.inv.step+": "+c.op)
			}
			if diff := cmp.Diff(expected, got); diff != "" {
				t.Errorf("the requests of a rotation (-want +got):\n%s", diff)
			}
		})
	}
}

// TestOrphansAreCounted: a token that may be live and that nobody holds shows in
// the metric, except where the invocation died with it.
func TestOrphansAreCounted(t *testing.T) {
	const rotate = 7
	for _, kind := range []kind{lost, lostAnswer, failed, errorAfter, truncated, hang, hangAfter} {
		f := fault{call: rotate, kind: kind}
		r := schedule{setup{"grace", "normal", "default"}, []fault{f}}.check(t)
		if n := strings.Count(r.metrics, `"OrphanPossible":1`); n != 1 || r.calls[rotate-1].op != opRotate {
			t.Errorf("%s of %q: OrphanPossible %d times", f, r.calls[rotate-1].op, n)
		}
	}
	for _, kind := range []kind{unreachable, noConnect, throttled, otherOK} {
		f := fault{call: rotate, kind: kind}
		r := schedule{setup{"grace", "normal", "default"}, []fault{f}}.check(t)
		if strings.Contains(r.metrics, "OrphanPossible") {
			t.Errorf("%s: what became of the request is certain, but an orphan is counted", f)
		}
	}
}
