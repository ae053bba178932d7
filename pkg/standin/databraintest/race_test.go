package databraintest_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"databrain-rotation/pkg/standin"
	"databrain-rotation/pkg/standin/databraintest"
)

// TestConcurrentClients is for the race detector; the counts at its end show that
// no request was lost.
func TestConcurrentClients(t *testing.T) {
	const clients, rounds = 8, 10
	everywhere(t, func(t *testing.T, db *databraintest.Server, p peer) {
		var wg sync.WaitGroup
		for i := range clients {
			wg.Go(func() {
				for j := range rounds {
					p.do("POST", keyPath, service, fmt.Sprintf(`{"dataAppName":%q,"name":"Key %d.%d"}`, customer, i, j))
					p.do("GET", appPath+"?isPagination=true&pageNumber=2", service, "")
					p.do("GET", keysQuery, service, "")
					p.do("POST", rotatePath, service, `{"expireAt":3600}`)
					p.do("POST", rotateAPI, development, `{"expireAt":3600}`)
					p.signIn()
				}
			})
			wg.Go(func() {
				for range rounds {
					db.Inject(standin.Fault{Operation: "DELETE", Do: standin.Cut()})
					db.SetAdminPassword(databraintest.ExamplePassword)
					db.Calls()
					db.LiveTokens()
					db.CurrentToken()
					db.PeakInFlight()
					db.PeakRate(time.Second)
					db.APITokenWorks(development)
				}
				db.ClearFaults()
			})
		}
		wg.Wait()
		const each = clients * rounds
		if db.Minted() != each || db.SignIns() != each || len(db.LiveTokens()) != each+1 {
			t.Errorf("%d minted, %d sign-ins, %d live", db.Minted(), db.SignIns(), len(db.LiveTokens()))
		}
		if n := len(p.names(keysQuery, service)); n != 2*each+2 { // those made, those rotated, and the two others
			t.Errorf("%d API tokens", n)
		}
		if n := len(db.Calls()); n != 6*each+1 {
			t.Errorf("%d requests in the log", n)
		}
		// Over sockets a client may have its answer before the handler is done.
		if peak := db.PeakInFlight(); peak < 1 || peak > 2*clients {
			t.Errorf("%d in flight", peak)
		}
	})
}
