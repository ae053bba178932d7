package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"testing"
	"time"
)

func TestSpread(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   spread
	}{
		{nil, spread{}},
		{[]float64{7}, spread{7, 7, 7}},
		{[]float64{4, 1, 3, 2}, spread{2.5, 1.75, 3.25}},
		{[]float64{5, 1, 4, 2, 3}, spread{3, 2, 4}},
	} {
		if got := spreadOf(c.values); got != c.want {
			t.Errorf("%v: %v, want %v", c.values, got, c.want)
		}
	}
	if got := spreadOf(ratios([]float64{2, 9, 4}, []float64{1, 3, 4})); got.median != 2 {
		t.Errorf("median of the ratios 2, 3 and 1: %v", got.median)
	}
}

func TestFloor(t *testing.T) {
	e := estate{apps: 1000, concurrency: 10, perMinute: 60_000, latency: 50 * time.Millisecond}
	if got := e.floor(); got != 5*time.Second {
		t.Errorf("by latency: %v", got)
	}
	e.perMinute = 6000
	if got := e.floor(); got != 10*time.Second {
		t.Errorf("by rate: %v", got)
	}
}

func TestPossible(t *testing.T) {
	a := farAudit{audited: audited{estate: estate{perMinute: 200}, requests: 60}}
	if got := a.possible(); got != 15*time.Second {
		t.Errorf("60 requests, 10 of them at once: %v", got)
	}
}

func TestMedianOfStretches(t *testing.T) {
	got := medianOf([]stretch{{21, 21, 3, 1}, {21, 20, 1, 1}, {21, 21, 2, 4}})
	if want := (stretch{21, 20, 2, 1}); got != want {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestChartIsWellFormed(t *testing.T) {
	e := estate{apps: 10, tokens: 10, concurrency: 1, perMinute: 600, latency: latency}
	a := audited{estate: e, wall: time.Second, peak: 20 << 20}
	chart := draw([]growth{{a, a}, {a, a}}, []audited{a, a, a, a})
	decoder := xml.NewDecoder(bytes.NewReader(chart))
	for {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("%v\n%s", err, chart)
		}
	}
}
