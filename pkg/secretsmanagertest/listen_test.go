package secretsmanagertest_test

import (
	"net/http"
	"sync"
	"testing"

	"databrain-rotation/pkg/secretsmanagertest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/google/uuid"
)

func TestStartServesLoopbackOnly(t *testing.T) {
	sm := secretsmanagertest.New(secretsmanagertest.Config{})
	defer sm.Close()
	for _, addr := range []string{":0", "0.0.0.0:0", "[::]:0", "192.0.2.1:80", "nonsense"} {
		if endpoint, err := sm.Start(addr); err == nil {
			t.Errorf("Start(%q) listens on %s", addr, endpoint)
		}
	}
	if _, err := sm.Start(""); err != nil {
		t.Error(err)
	}
	if _, err := sm.Start(""); err == nil {
		t.Error("a second Start was accepted")
	}
}

func TestNewConnections(t *testing.T) {
	sm := secretsmanagertest.New(secretsmanagertest.Config{})
	defer sm.Close()
	create(t, sm, "one")
	endpoint, err := sm.Start("")
	must(t, err)
	client := newClient(endpoint, &http.Client{Transport: &http.Transport{DisableKeepAlives: true}})
	for range 3 {
		describe(t, client)
	}
	describe(t, inProcess(sm))
	if n := sm.NewConnections(); n != 3 {
		t.Errorf("%d connections, want one for each of the 3 calls on the socket", n)
	}
}

func TestCloseEndsHangingCalls(t *testing.T) {
	for title, inProcessOnly := range map[string]bool{"in process": true, "on a socket": false} {
		t.Run(title, func(t *testing.T) {
			sm := secretsmanagertest.New(secretsmanagertest.Config{})
			create(t, sm, "one")
			client := inProcess(sm)
			if !inProcessOnly {
				endpoint, err := sm.Start("")
				must(t, err)
				client = newClient(endpoint, nil)
			}
			sm.Inject(secretsmanagertest.Fault{Kind: secretsmanagertest.HangBefore})
			result := make(chan error)
			go func() {
				_, err := get(t.Context(), client, "", "")
				result <- err
			}()
			until(t, "the call has arrived", func() bool { return sm.Count("") == 1 })
			must(t, sm.Close())
			if err := <-result; err == nil {
				t.Error("the hanging call succeeded")
			}
		})
	}
}

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
			if _, err := client.ListSecretVersionIds(t.Context(), &secretsmanager.ListSecretVersionIdsInput{SecretId: aws.String(name)}); err != nil {
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
