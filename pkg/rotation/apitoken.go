package rotation

import (
	"context"
	"io"
	"log/slog"
	"time"

	"databrain-rotation/pkg/databrain"
	"databrain-rotation/pkg/tokensecret"
)

// APITokenContract is which of two documented forms the endpoint that rotates an API
// token has: the setting API_TOKEN_ROTATE_CONTRACT ({docs}/rotate-api-key).
type APITokenContract string

// The contracts.
const (
	ContractByKey     APITokenContract = "api-token"     // newer: authorised by the key itself
	ContractByService APITokenContract = "service-token" // older: authorised by the service token
)

// APITokenConfig is how a [Rotator] of API tokens works.
type APITokenConfig struct {
	ServiceTokenSecretID string        // name or ARN; only ever read
	GracePeriod          time.Duration // whole seconds; 0 ends the old key at once
	Contract             APITokenContract
	Instance             string // base URL, for logs and metrics
}

// NewAPIToken returns a Rotator of data apps' API tokens, one in each secret. Metrics
// go to metrics as lines in CloudWatch's embedded metric format.
func NewAPIToken(
	secrets SecretsManager, instance *databrain.Client, c APITokenConfig,
	log *slog.Logger, metrics io.Writer, now func() time.Time,
) *Rotator {
	return &Rotator{
		secrets: secrets, databrain: instance, instance: c.Instance, log: log, metrics: metrics, now: now,
		newKind: func(s *step) kind {
			return &apiToken{step: s, config: c, keys: make(map[string]databrain.Secret)}
		},
	}
}

// apiToken is a step on the secret of a data app's API token.
//
// The list of an app shows its keys, so that an answer that is lost can be found
// again: what no rotation of the service token in a grace period can do.
type apiToken struct {
	*step
	config APITokenConfig

	service databrain.Secret            // the service token that the lists are read with
	spare   bool                        // it is that of AWSPENDING
	keys    map[string]databrain.Secret // by fingerprint: those that a list or the secret has shown
	cause   error                       // why the key that was asked about last was not accepted
}

func (s *apiToken) parse(text *string, binary []byte) (tokensecret.Value, error) {
	return tokensecret.ParseAPIToken(text, binary)
}

func (s *apiToken) needsCurrent() bool { return s.event.Step != StepSet }

func (s *apiToken) prove(ctx context.Context, key databrain.Secret) error {
	return s.databrain.ProbeAPIToken(ctx, key)
}

func (s *apiToken) words() words {
	return words{
		restore: `Store the value again, as text: {"dataApp":"…","name":"…","key":"…"} with the exact names of the data ` +
			`app and of its token. With "key":"" the next rotation imports the newest key of that name that works`,
		retry: "A retry keeps the value of AWSPENDING. If the rejection stays, remove the label and rotate again: " +
			s.unlabelPending() + " . The next rotation takes the newest key of the name that Databrain accepts",
		ask: "DiagnoseApiTokenCommand",
	}
}

func (s *apiToken) mayRotate() error {
	if s.secret.is(s.config.ServiceTokenSecretID) {
		return s.fail(ServiceTokenSecretIsRotatedSecret, nil,
			"DATABRAIN_SERVICE_TOKEN_SECRET_ID names the rotated secret itself",
			"Rotate the service token's secret by its own function, and keep each API token in a secret of its own")
	}
	return nil
}

// token reads AWSCURRENT, which names the data app and the token.
func (s *apiToken) token(ctx context.Context) (tokensecret.Value, error) {
	current, err := s.current(ctx)
	if err == nil && current.DataApp() == "" {
		return current, s.fail(MalformedSecret, nil,
			"no version of the rotated secret carries AWSCURRENT, so that nothing says which API token is meant",
			s.words().restore)
	}
	return current, err
}

// set is setSecret: there is nothing to set, because Databrain made the key.
func (s *apiToken) set(ctx context.Context) error {
	pending, err := s.usable(s.pending(ctx))
	if err != nil {
		return s.pendingMissing(err)
	}
	return s.proven(ctx, pending.Token())
}

// ask returns a function that probes a listed key, once in its life.
func (s *apiToken) ask(ctx context.Context) func(fingerprint string) Standing {
	known := make(map[string]Standing)
	return func(fingerprint string) Standing {
		if known[fingerprint] == "" {
			standing, err := s.probe(ctx, s.keys[fingerprint])
			if standing != Accepted {
				s.cause = err
			}
			known[fingerprint] = standing
		}
		return known[fingerprint]
	}
}
