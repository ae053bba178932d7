package rotation_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"databrain-rotation/pkg/rotation"
	"databrain-rotation/pkg/standin/secretsmanagertest"
)

// TestIdenticalTokens: a pending value equal to AWSCURRENT can never finish. The
// first step says so, the last one holds the label back, nothing is written, and
// the command in the error frees the way.
func TestIdenticalTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(setup{"replace", "old-pending", "default"})
		version := w.sm.Holder(w.secret, secretsmanagertest.Pending)
		w.watch.foreign(func() { must(0, w.sm.Corrupt(w.secret, version, secretDocument(firstToken))) })
		for _, step := range []string{rotation.StepCreate, rotation.StepFinish} {
			err := w.run(w.invocation(step, version))
			if ok := nameOf(err) == rotation.PendingEqualsCurrent; !ok {
				t.Errorf("%s came to %v, want a PendingEqualsCurrent", step, err)
			}
		}
		for _, c := range w.wire.calls {
			if c.writes() {
				t.Errorf("a write: %s", c)
			}
		}
		w.watch.foreign(func() {
			must(w.operator().UpdateSecretVersionStage(context.Background(), &secretsmanager.UpdateSecretVersionStageInput{
				SecretId: &w.secret, VersionStage: aws.String("AWSPENDING"), RemoveFromVersionId: &version,
			}))
		})
		if problems := w.converge(1); problems != nil {
			t.Errorf("after the command of the error: %q", problems)
		}
	})
}
