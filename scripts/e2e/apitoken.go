package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"databrain-rotation/pkg/standin/databraintest"
	"databrain-rotation/pkg/standin/labtest"
	"databrain-rotation/pkg/standin/secretsmanagertest"
)

// exampleKey is the API token that the secret of the lab names.
func exampleKey() string { return databraintest.ExampleDataApps()[0].Tokens[0].Key }

// rotateAPIToken imports an API token by the payloads of its function, and plays them
// once more.
func (i *invocation) rotateAPIToken(ctx context.Context, files []string) {
	const function = "RotateApiTokenFunction"
	used := map[string]bool{}
	i.lab.Secrets.SetRotationFunction(labtest.APITokenRotationARN, i.steps(ctx, function, "rotate-api-token-", used, nil))
	imported := func() error {
		value, _ := i.lab.Secrets.Value(labtest.APITokenSecret, i.lab.Secrets.Holder(labtest.APITokenSecret, "AWSCURRENT"))
		if want := strings.Replace(labtest.APITokenValue, `""`, fmt.Sprintf("%q", exampleKey()), 1); value != want {
			return errors.New("AWSCURRENT does not hold the API token, or other members changed")
		}
		if i.lab.Databrain.MintedAPITokens() != 0 {
			return errors.New("an API token was made")
		}
		return nil
	}
	i.check(ctx, "the four steps import an API token", func() error {
		err := i.lab.Secrets.ConfigureRotation(labtest.APITokenSecret, labtest.APITokenRotationARN,
			secretsmanagertest.RotationRules{AutomaticallyAfterDays: 30})
		if err != nil {
			return err
		}
		_, err = i.lab.Secrets.Rotate(ctx, labtest.APITokenSecret,
			secretsmanagertest.RotateOptions{ClientRequestToken: labtest.Version, Attempts: 1})
		return errors.Join(err, everyUse(files, used), imported())
	})
	puts := i.lab.Secrets.Count("PutSecretValue")
	for _, file := range files {
		i.check(ctx, "sam local invoke "+function+", events/"+filepath.Base(file)+" once more, late", func() error {
			if _, err := i.invoke(ctx, function, file); err != nil {
				return err
			}
			if i.lab.Secrets.Count("PutSecretValue") != puts {
				return errors.New("a late duplicate changed something")
			}
			return imported()
		})
	}
}
