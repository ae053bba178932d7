package main

import (
	"context"
	"fmt"
	"time"

	"databrain-rotation/pkg/standin/labtest"
)

// sideBySide holds the lives of every function, one of each in a round.
type sideBySide struct {
	builds
	lives map[string][]life
}

func functions() []string { return []string{bare, sdkAlone, sdkThree, rotate, audit, python} }

// measureSideBySide lets the functions take turns. Who begins a round changes.
func measureSideBySide(ctx context.Context, built builds, rounds int) (sideBySide, error) {
	s := sideBySide{builds: built, lives: make(map[string][]life)}
	lab, err := labtest.Start(labtest.Config{})
	if err != nil {
		return s, err
	}
	defer lab.Close()
	b := &bench{builds: built, lab: lab}
	note("%d rounds of cold starts and warm work", rounds)
	all := functions()
	for round := range rounds {
		for i := range all {
			name := all[(round+i)%len(all)]
			seen, err := b.observe(ctx, name)
			if err != nil {
				return s, err
			}
			s.lives[name] = append(s.lives[name], seen)
		}
	}
	return s, s.comparable()
}

// comparable checks that the Python function does the same work: a reference that
// makes other requests is none.
func (s sideBySide) comparable() error {
	for i, ours := range s.lives[rotate] {
		if theirs := s.lives[python][i]; ours.aws != theirs.aws || ours.api != theirs.api {
			return fmt.Errorf("a rotation makes %d + %d requests and that in Python %d + %d",
				ours.aws, ours.api, theirs.aws, theirs.api)
		}
	}
	return nil
}

// of is one figure of a function, in the order of the rounds.
func (s sideBySide) of(name string, figure func(life) float64) []float64 {
	var values []float64
	for _, l := range s.lives[name] {
		values = append(values, figure(l))
	}
	return values
}

func cold(l life) float64  { return milliseconds(l.cold) }
func first(l life) float64 { return milliseconds(l.first) }
func warm(l life) float64  { return milliseconds(l.warm) }
func peak(l life) float64  { return megabytes(l.peak) }

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
func megabytes(n int64) float64            { return float64(n) / (1 << 20) }
