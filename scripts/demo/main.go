// Command demo shows the main job: it runs the built functions as Lambda would,
// against stand-ins of Secrets Manager, EventBridge, S3 and Databrain on loopback.
// It exits with 0 only if every promise that it shows holds.
package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"databrain-rotation/pkg/standin/databraintest"
	"databrain-rotation/pkg/standin/labtest"
	"databrain-rotation/pkg/standin/runtimetest"
)

// documentForm is the rotated secret: members around the token, written in a way
// that decoding and encoding again would change.
const documentForm = `{"baseUrl": "https://databrain.example.com", "token": "%s", "quota": 1.50e3}`

// stage is what the acts play on.
type stage struct {
	*screen
	lab  *labtest.Lab
	apps []databraintest.DataApp
	logs bytes.Buffer // all that the functions logged
	// ahead is how many nanoseconds Databrain's clock is ahead of this machine's.
	ahead atomic.Int64
}

// now is Databrain's clock.
func (st *stage) now() time.Time { return time.Now().Add(time.Duration(st.ahead.Load())) }

// later lets time pass for Databrain.
func (st *stage) later(d time.Duration) { st.ahead.Add(int64(d)) }

// function starts a built function with these variables.
func (st *stage) function(ctx context.Context, name string, env map[string]string) (*runtimetest.Function, error) {
	return runtimetest.Start(ctx, runtimetest.Config{
		Path: "build/" + name + "/bootstrap", Env: env, Timeout: time.Minute, Log: &st.logs,
	})
}

func main() {
	s := newScreen(os.Stdout, os.Getenv("NO_COLOR") != "")
	if err := run(context.Background(), s); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(2)
	}
	if s.broken > 0 {
		os.Exit(1)
	}
}

func run(ctx context.Context, s *screen) error {
	first := uuid.NewString()
	st := &stage{screen: s, apps: dataApps()}
	lab, err := labtest.Start(labtest.Config{
		Databrain: databraintest.Config{ServiceToken: first, DataApps: st.apps, Now: st.now},
		Secret:    fmt.Sprintf(documentForm, first),
	})
	if err != nil {
		return err
	}
	defer lab.Close()
	st.lab = lab

	s.title("1. A rotation, step by step (strategy replace)")
	if err := (rotationAct{stage: st, version: labtest.Version}).play(ctx); err != nil {
		return err
	}
	s.title("2. A rotation whose answer is lost in the middle")
	if err := (rotationAct{stage: st, version: uuid.NewString(), faults: lostAnswer()}).play(ctx); err != nil {
		return err
	}
	s.title("3. A rotation that keeps the old token for an hour (strategy grace)")
	grace := map[string]string{"ROTATION_STRATEGY": "grace", "ROTATION_GRACE_PERIOD": "1h"}
	if err := (rotationAct{stage: st, version: uuid.NewString(), env: grace, lives: true}).play(ctx); err != nil {
		return err
	}
	s.title("4. A diagnosis, before, during and after a rotation that dies")
	if err := (diagnosisAct{stage: st}).play(ctx); err != nil {
		return err
	}
	if err := (auditAct{stage: st}).play(ctx); err != nil {
		return err
	}
	if err := (apiTokenAct{st}).play(ctx); err != nil {
		return err
	}
	s.title("Promises")
	s.promise(!leaks(st), "no token, key or password was shown or logged")
	s.promise(s.made > 0 && s.broken == 0, "%d of %d promises held", s.made-s.broken, s.made)
	s.title("Next")
	s.printf("  Open %s. Try rotations by hand with make serve, and audit your own\n"+
		"  instance with make audit.\n", reportFile)
	return nil
}
