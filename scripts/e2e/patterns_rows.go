package main

// matches are the events that each pattern matches, by their names.
var matches = map[string][]string{
	"template.yaml: FindingRule, HasBucket=true, SendAllFindings=false":  becameCritical,
	"template.yaml: FindingRule, HasBucket=true, SendAllFindings=true":   becameAny,
	"template.yaml: FindingRule, HasBucket=false, SendAllFindings=false": isCritical,
	"template.yaml: FindingRule, HasBucket=false, SendAllFindings=true":  isAny,
	"functions/audit/README.md: 1":                                       append(becameCritical, "critical elsewhere"),

	"template.yaml: RotatedRule, CreateTokenSecret=true, HasApiTokens=false":  movesOf("service-token"),
	"template.yaml: RotatedRule, CreateTokenSecret=false, HasApiTokens=false": movesOf("service-token"),
	"template.yaml: RotatedRule, CreateTokenSecret=true, HasApiTokens=true":   movesOf("service-token", "api-token/portal"),
	"template.yaml: RotatedRule, CreateTokenSecret=false, HasApiTokens=true":  movesOf("service-token", "api-token/portal"),
	"functions/rotate/README.md: 1":                                           movesOf("service-token"),

	"template.yaml: RotationFailedRule, CreateTokenSecret=true":  failuresOf("databrain/service-token"),
	"template.yaml: RotationFailedRule, CreateTokenSecret=false": failuresOf("databrain/service-token"),
	"template.yaml: ApiTokenRotationFailedRule":                  failuresOf("databrain/api-token/portal"),
}

var (
	// With a state a finding is told of once, and once more when it gets worse or comes back.
	becameCritical = []string{"first: critical", "first: goes", "second: high", "third: goes"}
	becameAny      = append([]string{
		"first: high", "first: unread", "first: medium", "first: due", "second: due", "third: exception-unused",
		"failed: data-apps-unlistable",
	}, becameCritical...)
	// Without one it is told of at every run.
	isCritical = []string{"second: critical", "second: high", "third: critical", "stateless: critical"}
	isAny      = append([]string{"second: medium", "stateless: medium"}, isCritical...)
)

func failuresOf(secret string) []string {
	return []string{secret + " RotationFailed", secret + " RotationAbandoned", secret + " TestRotationFailed"}
}

// movesOf are the moves of AWSCURRENT of secrets under databrain/.
func movesOf(secrets ...string) (moves []string) {
	for _, secret := range secrets {
		moves = append(moves, "databrain/"+secret+" AWSCURRENT")
	}
	return moves
}
