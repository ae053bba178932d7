package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"databrain-rotation/pkg/standin/labtest"
	"databrain-rotation/pkg/standin/runtimetest"
	"databrain-rotation/pkg/standin/secretsmanagertest"
)

// The functions that are measured.
const (
	bare     = "bare Go"
	sdkAlone = "SDK alone"
	sdkThree = "SDK, 3 clients"
	rotate   = "rotate"
	audit    = "audit"
	python   = "Python"
)

// warmRuns is how often a function does its work in a warm environment before that
// ends: invocations, or whole rotations.
const warmRuns = 3

// life is what one execution environment showed, from its start to its end.
type life struct {
	cold  time.Duration // from the start of the process until it asks for work
	first time.Duration // the first invocation
	warm  time.Duration // a later one; of a rotation a step, on average
	peak  int64         // bytes of memory
	aws   int           // requests of a warm rotation or audit
	api   int           // the same to Databrain
}

// bench is a laboratory for the functions to work in.
type bench struct {
	builds
	lab *labtest.Lab
}

// config returns how a function is started.
func (b *bench) config(name string) runtimetest.Config {
	config := runtimetest.Config{Path: b.path(name), Env: b.lab.AWS(), Timeout: time.Minute}
	switch name {
	case rotate:
		config.Env = b.lab.Rotate()
	case audit:
		config.Env = b.lab.Audit()
	case python:
		config.Path, config.Env = filepath.Join(pythonSource, "bootstrap"), b.lab.Rotate()
		config.Env["BENCH_PYTHON"] = b.interpreter
		config.Env["PYTHONDONTWRITEBYTECODE"] = "1" // not into the sources
	}
	return config
}

// observe starts a function, lets it work and ends it.
func (b *bench) observe(ctx context.Context, name string) (life, error) {
	function, err := runtimetest.Start(ctx, b.config(name))
	if err != nil {
		return life{}, err
	}
	defer function.Close()
	w := &worker{bench: b, function: function}
	if err := w.repeat(func() error { return w.work(ctx, name) }); err != nil {
		return life{}, fmt.Errorf("%s: %w", name, err)
	}
	return w.seen, nil
}

// worker invokes one function and notes what it sees.
type worker struct {
	*bench
	function *runtimetest.Function
	seen     life
	took     time.Duration // all invocations since the last reset
	steps    int           // how many those were
}

// repeat lets the function work once in a cold environment and then in a warm one.
func (w *worker) repeat(work func() error) error {
	if err := work(); err != nil {
		return err
	}
	w.took, w.steps = 0, 0
	aws, api := w.requests()
	for range warmRuns {
		if err := work(); err != nil {
			return err
		}
	}
	w.seen.warm = w.took / time.Duration(w.steps)
	awsNow, apiNow := w.requests()
	w.seen.aws, w.seen.api = (awsNow-aws)/warmRuns, (apiNow-api)/warmRuns
	return nil
}

func (w *worker) requests() (aws, api int) {
	l := w.lab
	return l.Secrets.Count("") + l.Events.Count("") + l.Objects.Count(""), len(l.Databrain.Calls())
}

// work lets the function do once what it is for.
func (w *worker) work(ctx context.Context, name string) error {
	switch name {
	case rotate, python:
		return w.rotate(ctx)
	case sdkAlone, sdkThree:
		return w.invoke(ctx, fmt.Appendf(nil, `{"SecretId":%q}`, labtest.TokenSecretARN))
	}
	return w.invoke(ctx, []byte(`{}`))
}

func (w *worker) invoke(ctx context.Context, payload []byte) error {
	result, err := w.function.Invoke(ctx, payload, runtimetest.Options{})
	if err != nil {
		return err
	}
	if result.Err != nil {
		return fmt.Errorf("%w\n%s", result.Err, result.Log)
	}
	if result.ColdStart {
		w.seen.cold, w.seen.first = result.InitDuration, result.Duration
	}
	w.seen.peak = max(w.seen.peak, result.PeakRSS)
	w.took += result.Duration
	w.steps++
	return nil
}

// rotate drives a whole rotation, as Secrets Manager does.
func (w *worker) rotate(ctx context.Context) error {
	w.lab.Secrets.SetRotationFunction(labtest.RotationARN, w.invoke)
	_, err := w.lab.Secrets.Rotate(ctx, labtest.TokenSecret, secretsmanagertest.RotateOptions{Attempts: 1})
	return err
}
