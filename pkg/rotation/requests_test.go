package rotation_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The requests of a step, each with what it is for. A step is an invocation of its
// own and knows nothing of the one before, so that each begins with a DescribeSecret.
var (
	describes = request{"DescribeSecret", "is the version pending, is rotation on, who has AWSCURRENT?"}

	createByReplace = []request{
		describes,
		{"GetSecretValue AWSCURRENT", "the document whose other fields are kept; it must not be equal to pending"},
		{"GetSecretValue AWSPENDING", "has an attempt before stored a token? Then nothing is minted"},
		{"PutSecretValue AWSPENDING", "stored before Databrain hears of it"},
	}
	createByGrace = []request{
		describes,
		{"GetSecretValue AWSCURRENT", "the token to rotate, and the document"},
		{"GetSecretValue AWSPENDING", "has an attempt before stored a token?"},
		{"probe", "current works: else there is nothing to keep for a grace period"},
		{
			"UpdateSecretVersionStage AWSPENDING",
			"may finishSecret move a label? Else the old token would end without an heir",
		},
		{"GetSecretValue of databrain/admin", "could the fallback be carried out, if the answer is lost?"},
		{"rotate service token", "once"},
		{"PutSecretValue AWSPENDING", "at once"},
	}
	setBySaving = []request{
		describes,
		{"GetSecretValue AWSPENDING", "the token to save"},
		{"probe", "pending: is it live already?"},
		{"GetSecretValue AWSCURRENT", "the token that entitles the function to save another"},
		{"probe", "current: does it work, or would this be a takeover?"},
		{
			"UpdateSecretVersionStage AWSPENDING",
			"may finishSecret move a label? Else the old token would die without an heir",
		},
		{"GetSecretValue of databrain/admin", "read when needed, kept nowhere"},
		{"sign in", "once; the JWT is kept nowhere"},
		{"save service token", "once"},
		{"probe", "pending: does it work now?"},
	}
	setByProbing = []request{
		describes,
		{"GetSecretValue AWSPENDING", "the token that Databrain made"},
		{"probe", "pending: it is live"},
	}
	testByProbing = []request{
		describes,
		{"GetSecretValue AWSPENDING", "the token to prove"},
		{"probe", "pending: authenticated, not just reachable"},
	}
	finishes = []request{
		describes,
		{"GetSecretValue AWSPENDING", "the token to promote"},
		{"GetSecretValue AWSCURRENT", "must not be equal to pending"},
		{"probe", "pending: not rejected since testSecret"},
		{"UpdateSecretVersionStage AWSCURRENT", "the last request of a rotation"},
	}
)

// The requests of an API token's rotation. createSecret begins with looks, whatever it
// does after it.
var (
	readsService = request{"GetSecretValue AWSCURRENT of " + serviceSecret, "the token that lists are read with"}
	lists        = request{"list API tokens", "which key is in force? Has an attempt lost its answer?"}

	looks = []request{
		describes,
		{"GetSecretValue AWSCURRENT", "which data app, which name, which key?"},
		{"GetSecretValue AWSPENDING", "has an attempt before stored a key?"},
		readsService,
		lists,
	}
	createByRotating = slices.Concat(looks, []request{
		{"probe API token", "current works: else there is nothing to rotate"},
		{"GetSecretValue AWSPREVIOUS", "a key that is listed in its grace period is no successor"},
		{"UpdateSecretVersionStage AWSPENDING", "may finishSecret move a label?"},
		{"rotate API token", "once"},
		{"PutSecretValue AWSPENDING", "at once"},
	})
	createByImporting = slices.Concat(looks, []request{
		{"probe API token", "the newest key of the name works"},
		{"PutSecretValue AWSPENDING", "nothing was made"},
	})
	createByCreating = slices.Concat(looks, []request{
		{"UpdateSecretVersionStage AWSPENDING", "may finishSecret move a label?"},
		{"create API token", "once"},
		{"PutSecretValue AWSPENDING", "at once"},
	})
	setKeyByProbing = []request{
		describes,
		{"GetSecretValue AWSPENDING", "the key that Databrain made"},
		{"probe API token", "pending: it is live"},
	}
	testByListing = []request{
		describes,
		{"GetSecretValue AWSCURRENT", "in a pre-flight: which data app, which name?"},
		{"GetSecretValue AWSPENDING", "the key to prove"},
		{"probe API token", "pending: authenticated"},
		readsService,
		lists,
	}
	finishesKey = []request{
		finishes[0], finishes[1], finishes[2],
		{"probe API token", "pending: not rejected since testSecret"},
		finishes[4],
	}
)

type request struct{ op, why string }

// TestFewestRequests compares a rotation that nothing disturbs, request by request.
func TestFewestRequests(t *testing.T) {
	withSignIn := append(
		append([]request{}, createByGrace[:6]...),
		request{"sign in", "the older contract wants the admin's JWT"},
	)
	withSignIn = append(withSignIn, createByGrace[6:]...)
	for _, tt := range []struct {
		mode, start string
		steps       [4][]request
	}{
		{"replace", "normal", [4][]request{createByReplace, setBySaving, testByProbing, finishes}}, // 22
		{"grace", "normal", [4][]request{createByGrace, setByProbing, testByProbing, finishes}},    // 19
		{"grace-jwt", "normal", [4][]request{withSignIn, setByProbing, testByProbing, finishes}},   // 20

		{"key", "normal", [4][]request{createByRotating, setKeyByProbing, testByListing, finishesKey}},         // 24
		{"key-service", "normal", [4][]request{createByRotating, setKeyByProbing, testByListing, finishesKey}}, // 24
		{"key", "import", [4][]request{createByImporting, setKeyByProbing, testByListing, finishesKey}},        // 21
		{"key", "create", [4][]request{createByCreating, setKeyByProbing, testByListing, finishesKey}},         // 22
	} {
		t.Run(tt.mode+"/"+tt.start, func(t *testing.T) {
			var expected, got []string
			for i, step := range []string{"createSecret", "setSecret", "testSecret", "finishSecret"} {
				for _, w := range tt.steps[i] {
					expected = append(expected, step+": "+w.op)
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
