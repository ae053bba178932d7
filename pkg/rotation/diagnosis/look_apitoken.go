package diagnosis

import (
	"context"

	"databrain-rotation/pkg/rotation"
)

// outlook returns an outlook that was not looked at, nil for the service token.
func (d *Diagnoser) outlook() *rotation.APITokenOutlook {
	if d.Key == nil {
		return nil
	}
	return &rotation.APITokenOutlook{}
}

// lookAtKey is look for the secret of an API token. Versions without a label are left
// out: the list of the data app shows the keys that live.
func (q *inquiry) lookAtKey(ctx context.Context) Facts {
	f := &q.facts
	together(ctx, q.describe, q.control)
	if f.Secret.Obstacle != "" {
		return *f
	}
	f.AdminSame = rotation.Names(q.Key.ServiceTokenSecretID, f.Secret.ARN, f.Secret.Name)
	if f.AdminSame {
		return *f
	}
	together(ctx, q.readLabelled, q.elsewhere)
	if f.Secret.Deleted || f.Secret.Kind != "" {
		return *f
	}
	together(ctx, q.askTokens, q.foresee)
	return *f
}

// foresee asks the rotation itself what it would do.
func (q *inquiry) foresee(ctx context.Context) {
	if q.facts.Instance.Answers {
		o := rotation.ForeseeAPIToken(ctx, q.Secrets, q.client, *q.Key, q.facts.Secret.ARN, q.Now)
		q.facts.Key = &o
	}
}
