package secretsmanagertest_test

import (
	"sync"
	"testing"

	"databrain-rotation/pkg/standin/secretsmanagertest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/google/uuid"
)

// TestConcurrentPuts is for the race detector, and for the rule that a label is on
// one version only.
func TestConcurrentPuts(t *testing.T) {
	sm := secretsmanagertest.New(secretsmanagertest.Config{})
	create(t, sm, "one")
	client := inProcess(sm)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if err := put(t.Context(), client, uuid.NewString(), "two"); err != nil {
				t.Error(err)
			}
			describe(t, client)
			if _, err := client.ListSecretVersionIds(t.Context(),
				&secretsmanager.ListSecretVersionIdsInput{SecretId: aws.String(name)}); err != nil {
				t.Error(err)
			}
			sm.Snapshot(name)
			sm.Calls()
		})
	}
	wg.Wait()
	holders := make(map[string]int)
	for _, v := range sm.Snapshot(name) {
		for _, label := range v.Labels {
			holders[label]++
		}
	}
	if len(holders) != 2 || holders["AWSCURRENT"] != 1 || holders["AWSPREVIOUS"] != 1 {
		t.Errorf("versions by label: %v", holders)
	}
}
