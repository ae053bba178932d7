package secretsmanagertest_test

import (
	"errors"
	"testing"
	"time"

	"databrain-rotation/pkg/standin/secretsmanagertest"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/google/uuid"
)

func TestReadLagByCount(t *testing.T) {
	overBoth(t, func(t *testing.T, sm *secretsmanagertest.Server, client *secretsmanager.Client) {
		sm.SetReadLag(secretsmanagertest.ReadLag{Reads: 2})
		id := uuid.NewString()
		must(t, put(t.Context(), client, id, "two", "AWSPENDING"))
		for range 2 {
			_, err := get(t.Context(), client, id, "AWSPENDING")
			if _, ok := errors.AsType[*types.ResourceNotFoundException](err); !ok {
				t.Errorf("a read within the lag: %v", err)
			}
		}
		if got, err := get(t.Context(), client, id, "AWSPENDING"); got != "two" {
			t.Errorf("the read after the lag: %q, %v", got, err)
		}
		if got, err := get(t.Context(), client, "", ""); got != "one" {
			t.Errorf("AWSCURRENT: %q, %v", got, err)
		}
	})
}

func TestReadLagByTime(t *testing.T) {
	now := time.Now()
	sm := secretsmanagertest.New(secretsmanagertest.Config{Now: func() time.Time { return now }})
	create(t, sm, "one")
	client := inProcess(sm)
	sm.SetReadLag(secretsmanagertest.ReadLag{For: 3 * time.Second})
	id := uuid.NewString()
	must(t, put(t.Context(), client, id, "two", "AWSPENDING"))
	now = now.Add(3*time.Second - 1)
	if _, err := get(t.Context(), client, id, ""); err == nil {
		t.Error("the version is visible within the lag")
	}
	now = now.Add(1)
	if got, err := get(t.Context(), client, id, ""); got != "two" {
		t.Errorf("the version after the lag: %q, %v", got, err)
	}
}

// TestReadLagOfAFilledVersion: a version that a rotation announced lags again when
// it gets its value.
func TestReadLagOfAFilledVersion(t *testing.T) {
	sm := secretsmanagertest.New(secretsmanagertest.Config{})
	create(t, sm, "one")
	client, id := inProcess(sm), uuid.NewString()
	must(t, sm.SetLabels(name, id, "AWSPENDING"))
	sm.SetReadLag(secretsmanagertest.ReadLag{Reads: 1})
	must(t, put(t.Context(), client, id, "two", "AWSPENDING"))
	if got, err := get(t.Context(), client, id, ""); err == nil {
		t.Errorf("the read within the lag found %q", got)
	}
	if got, err := get(t.Context(), client, id, ""); got != "two" {
		t.Errorf("the read after the lag: %q, %v", got, err)
	}
}
