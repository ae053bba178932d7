package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"slices"
	"time"

	"databrain-rotation/pkg/standin/labtest"
	"databrain-rotation/pkg/standin/runtimetest"
	"databrain-rotation/pkg/standin/secretsmanagertest"
)

// The two requests of the replace strategy between which consumers fail: the first
// ends the old token, the second gives them the new one.
const (
	saveRequest = "POST /api/v2/service-token"
	moveRequest = "UpdateSecretVersionStage"
)

// stretch is a part of a rotation over a network.
type stretch struct {
	requests   int
	inSequence int // round trips of which each waited for the one before
	took       time.Duration
	connecting time.Duration // the part of took in which a connection was being set up
}

// stretchOf returns the stretch of some exchanges.
func stretchOf(exchanges []exchange, took time.Duration) stretch {
	return stretch{
		requests: len(exchanges), inSequence: inSequence(exchanges), took: took, connecting: connecting(exchanges),
	}
}

// crossing is a rotation over a network.
type crossing struct {
	steps  map[string]stretch
	whole  stretch // the four invocations
	window stretch // from the save taking effect to the label's move
}

// crossings are rotations by one function: each fresh one was the first of its
// environment and made the connections, the warm one after it found them.
type crossings struct{ fresh, warm []crossing }

// measureCrossings lets the two rotations take turns in rotating over a network.
func measureCrossings(ctx context.Context, built builds, far distances, rounds int) (map[string]*crossings, error) {
	note("%d rounds of rotations with %v to AWS and %v to Databrain", rounds, far.aws, far.databrain)
	lab, err := labtest.Start(labtest.Config{})
	if err != nil {
		return nil, err
	}
	defer lab.Close()
	n, err := reach(lab, far, built.dir)
	if err != nil {
		return nil, err
	}
	defer n.close()
	all := map[string]*crossings{rotate: {}, python: {}}
	for range rounds {
		for _, name := range []string{rotate, python} {
			config := (&bench{builds: built, lab: lab}).config(name)
			n.lead(config.Env)
			if name == python {
				config.Env["AWS_CA_BUNDLE"] = n.certificate // boto3 has a bundle of its own otherwise
			}
			if err := all[name].add(ctx, n, config); err != nil {
				return nil, fmt.Errorf("%s over the network: %w", name, err)
			}
		}
	}
	return all, nil
}

// add rotates twice in a fresh environment.
func (all *crossings) add(ctx context.Context, n *network, config runtimetest.Config) error {
	function, err := runtimetest.Start(ctx, config)
	if err != nil {
		return err
	}
	defer function.Close()
	for _, kind := range []*[]crossing{&all.fresh, &all.warm} {
		seen, err := n.rotate(ctx, function)
		if err != nil {
			return err
		}
		*kind = append(*kind, seen)
	}
	return nil
}

// rotate drives one rotation, as Secrets Manager does.
func (n *network) rotate(ctx context.Context, function *runtimetest.Function) (crossing, error) {
	seen := crossing{steps: make(map[string]stretch)}
	var exchanges []exchange
	var took time.Duration
	n.lab.Secrets.SetRotationFunction(labtest.RotationARN, func(ctx context.Context, payload []byte) error {
		var event struct{ Step string }
		if err := json.Unmarshal(payload, &event); err != nil {
			return err
		}
		n.taken()
		result, err := function.Invoke(ctx, payload, runtimetest.Options{})
		if err != nil {
			return err
		}
		if result.Err != nil {
			return fmt.Errorf("%w\n%s", result.Err, result.Log)
		}
		these := n.taken()
		seen.steps[event.Step] = stretchOf(these, result.Duration)
		exchanges, took = append(exchanges, these...), took+result.Duration
		return nil
	})
	_, err := n.lab.Secrets.Rotate(ctx, labtest.TokenSecret, secretsmanagertest.RotateOptions{Attempts: 1})
	if err != nil {
		return crossing{}, err
	}
	seen.whole = stretchOf(exchanges, took)
	seen.window, err = window(exchanges)
	return seen, err
}

// window returns the stretch in which the old token is dead and the label still on
// it. The requests of the window are those sent after the save had taken effect, the
// move among them.
func window(exchanges []exchange) (stretch, error) {
	var began, ended time.Time
	for _, e := range exchanges {
		switch {
		case e.operation == saveRequest:
			began = e.effective
		case e.operation == moveRequest && !began.IsZero(): // one before the save only tries its permission
			ended = e.effective
		}
	}
	if ended.IsZero() {
		return stretch{}, errors.New("the rotation did not save a token and then move the label")
	}
	within := slices.DeleteFunc(slices.Clone(exchanges), func(e exchange) bool {
		return e.sent.Before(began) || !e.sent.Before(ended)
	})
	return stretchOf(within, ended.Sub(began)), nil
}

// each returns one stretch of every crossing.
func each(all []crossing, of func(crossing) stretch) []stretch {
	var stretches []stretch
	for _, c := range all {
		stretches = append(stretches, of(c))
	}
	return stretches
}

// medianOf returns the medians of the times. Its number of round trips in sequence is
// the smallest, because a busy machine can only keep apart what would overlap.
func medianOf(all []stretch) stretch {
	median := func(figure func(stretch) time.Duration) time.Duration {
		var values []float64
		for _, s := range all {
			values = append(values, float64(figure(s)))
		}
		return time.Duration(spreadOf(values).median)
	}
	m := all[0]
	for _, s := range all {
		m.inSequence = min(m.inSequence, s.inSequence)
	}
	m.took = median(func(s stretch) time.Duration { return s.took })
	m.connecting = median(func(s stretch) time.Duration { return s.connecting })
	return m
}
