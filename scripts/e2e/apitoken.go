package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"databrain-rotation/pkg/standin/databraintest"
	"databrain-rotation/pkg/standin/labtest"
	"databrain-rotation/pkg/standin/secretsmanagertest"
)

// exampleKey is the API token that the secret of the lab names.
func exampleKey() string { return databraintest.ExampleDataApps()[0].Tokens[0].Key }

// rotateAPIToken imports an API token by the payloads of its function.
func (i *invocation) rotateAPIToken(ctx context.Context, files []string) {
	used := map[string]bool{}
	step := i.steps(ctx, "RotateApiTokenFunction", "rotate-api-token-", used, nil)
	i.lab.Secrets.SetRotationFunction(labtest.APITokenRotationARN, step)
	i.check(ctx, "the four steps import an API token", func() error {
		err := i.lab.Secrets.ConfigureRotation(labtest.APITokenSecret, labtest.APITokenRotationARN,
			secretsmanagertest.RotationRules{AutomaticallyAfterDays: 30})
		if err != nil {
			return err
		}
		_, err = i.lab.Secrets.Rotate(ctx, labtest.APITokenSecret,
			secretsmanagertest.RotateOptions{ClientRequestToken: labtest.Version, Attempts: 1})
		return errors.Join(err, everyUse(files, used), i.imported())
	})
}

func (i *invocation) imported() error {
	value, _ := i.lab.Secrets.Value(labtest.APITokenSecret, i.lab.Secrets.Holder(labtest.APITokenSecret, "AWSCURRENT"))
	if want := strings.Replace(labtest.APITokenValue, `""`, fmt.Sprintf("%q", exampleKey()), 1); value != want {
		return errors.New("AWSCURRENT does not hold the API token, or other members changed")
	}
	if i.lab.Databrain.MintedAPITokens() != 0 {
		return errors.New("an API token was made")
	}
	return nil
}
