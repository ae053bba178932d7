package rotation

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"time"

	"databrain-rotation/pkg/databrain"
	"databrain-rotation/pkg/tokensecret"
)

// Strategy is how a new token comes to be: the setting ROTATION_STRATEGY.
type Strategy string

// The strategies.
const (
	// Replace mints a UUID here and saves it as the service token. The old token
	// dies at that moment.
	Replace Strategy = "replace"
	// Grace lets Databrain make the token and keeps the old one valid for a grace
	// period. Where the outcome of that call is unknown it falls back to Replace.
	Grace Strategy = "grace"
)

// Contract is which of two documented forms the rotate endpoint has: the setting
// ROTATION_GRACE_CONTRACT ({docs}/rotate-service-token).
type Contract string

// The contracts.
const (
	ContractServiceToken Contract = "service-token" // newer: authorised by the token itself
	ContractAdminJWT     Contract = "admin-jwt"     // older: authorised by the admin
)

// Config is how a [Rotator] works.
type Config struct {
	AdminSecretID string // name or ARN; only ever read
	Strategy      Strategy
	GracePeriod   time.Duration // whole seconds above zero; Grace only
	Contract      Contract      // Grace only
	Takeover      Takeover
	Instance      string // base URL, for logs and metrics
}

// New returns a Rotator of the service token. Metrics go to metrics as lines in
// CloudWatch's embedded metric format.
func New(
	secrets SecretsManager, instance *databrain.Client, c Config,
	log *slog.Logger, metrics io.Writer, now func() time.Time,
) *Rotator {
	return &Rotator{
		secrets: secrets, databrain: instance, instance: c.Instance, log: log, metrics: metrics, now: now,
		newKind: func(s *step) kind { return &serviceToken{step: s, config: c} },
	}
}

// serviceToken is a step on the secret of the organisation's service token.
type serviceToken struct {
	*step
	config Config

	adminRead   sync.Once
	credentials databrain.Credentials // the admin's
	adminErr    error                 // why they could not be read
}

func (s *serviceToken) parse(text *string, binary []byte) (tokensecret.Value, error) {
	return tokensecret.Parse(text, binary)
}

// needsCurrent implements [kind]. With the grace strategy, setSecret as a rule finds that
// Databrain accepts the pending token, and asks about no other. In testSecret only a
// pre-flight looks at AWSCURRENT.
func (s *serviceToken) needsCurrent() bool {
	switch s.event.Step {
	case StepSet:
		return s.config.Strategy == Replace
	case StepTest:
		return false
	}
	return true
}

func (s *serviceToken) prove(ctx context.Context, token databrain.Secret) error {
	return s.databrain.Probe(ctx, token)
}

func (s *serviceToken) words() words {
	return words{
		restore: "The value may hold the service token, and so may AWSPREVIOUS, which loses its label when a value is " +
			"stored. Look at both, and store the token that Databrain accepts, as text: as a bare UUID, or as the member " +
			`"token" of a JSON object`,
		blank: `. Only if the organisation has no service token at all, add "token":"" to these members`,
		retry: "Secrets Manager retries from createSecret, and setSecret saves the same token again",
		ask:   "DiagnoseCommand",
	}
}

func (s *serviceToken) mayRotate() error {
	if s.secret.is(s.config.AdminSecretID) {
		return s.fail(
			AdminSecretIsRotatedSecret,
			nil,
			"DATABRAIN_ADMIN_SECRET_ID (parameter AdminSecretArn) names the rotated secret itself",
			"Keep the admin's e-mail address and password in a secret of their own",
		)
	}
	return nil
}
