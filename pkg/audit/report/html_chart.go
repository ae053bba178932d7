package report

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"databrain-rotation/pkg/audit/finding"
)

// chart is the age histogram. It is drawn twice, since the text of an SVG shrinks
// with it: once for wide screens and paper, once for phones.
type chart struct {
	Summary      string
	Wide, Narrow plot
	Bins         []binRow
}

// binRow is a bar as a row of the table under the drawing.
type binRow struct {
	Range         string
	Tokens, Stale string
}

// plot is one drawing, in the units of its viewBox.
type plot struct {
	Class, Label   string
	W, H, X1, X2   int
	Base, TickY    int
	Bars           []bar
	Limit          float64 // where the policy's default limit is
	LimitX         float64
	Anchor, Policy string
}

// bar is a bar in two parts: tokens within their limit, and stale ones on top.
type bar struct {
	X, W, Y, H     float64
	StaleY, StaleH float64
	TextX, TextY   float64
	Count, From    string
	TickX          float64
}

// newChart returns nil if no token has an age.
func newChart(r *Report) *chart {
	total, stale, early, late := 0, 0, 0, 0
	for _, b := range r.Ages {
		total += b.Tokens
		stale += b.Stale
		if b.To > 0 && b.To <= r.Policy.MaxAgeDays {
			early += b.Stale
		}
		if b.From >= r.Policy.MaxAgeDays {
			late += b.Tokens - b.Stale
		}
	}
	if total == 0 {
		return nil
	}
	c := &chart{
		Summary: fmt.Sprintf("%s with a known age, %s of them older than their limit.",
			plural(total, "API token"), thousands(stale)),
	}
	if others := otherLimits(&r.Policy); others != "" {
		c.Summary += fmt.Sprintf(" The line is the default limit; a rule sets %s for the tokens that it matches.", others)
	}
	if early > 0 {
		c.Summary += fmt.Sprintf(" A lower limit makes %s stale before the line.", thousands(early))
	}
	if late > 0 {
		c.Summary += fmt.Sprintf(" A higher limit keeps %s behind the line from being stale.", thousands(late))
	}
	label := []string{"Histogram of API tokens by age in days."}
	for _, b := range r.Ages {
		row := binRow{binRange(b), thousands(b.Tokens), thousands(b.Stale)}
		c.Bins = append(c.Bins, row)
		label = append(label, fmt.Sprintf("%s: %s, %s stale.", row.Range, row.Tokens, row.Stale))
	}
	text := strings.Join(label, " ") + fmt.Sprintf(" The default limit is %s.", plural(r.Policy.MaxAgeDays, "day"))
	c.Wide = draw(r, plot{Class: "wide", Label: text, W: 940, H: 270})
	c.Narrow = draw(r, plot{Class: "narrow", Label: text, W: 340, H: 220})
	return c
}

// otherLimits tells the limits of rules that differ from the default one; "" without.
func otherLimits(p *finding.Policy) string {
	var limits []int
	for _, rule := range p.Rules {
		if rule.MaxAgeDays != p.MaxAgeDays {
			limits = append(limits, rule.MaxAgeDays)
		}
	}
	slices.Sort(limits)
	limits = slices.Compact(limits)
	n := len(limits)
	switch {
	case n == 0:
		return ""
	case n == 1:
		return plural(limits[0], "day")
	case n == 2:
		return fmt.Sprintf("%s or %s days", thousands(limits[0]), thousands(limits[1]))
	}
	return fmt.Sprintf("%s to %s days", thousands(limits[0]), thousands(limits[n-1]))
}

func binRange(b finding.AgeBin) string {
	if b.To == 0 {
		return fmt.Sprintf("%d or more", b.From)
	}
	return fmt.Sprintf("%d to %d", b.From, b.To-1)
}

// draw lays the bars out within p's size. Every bin gets the same width, whatever
// days it spans: a scale of days would crush the young ones.
func draw(r *Report, p plot) plot {
	const top, bottom = 52, 26
	p.X1, p.X2, p.Base, p.TickY = 2, p.W-2, p.H-bottom, p.H-8
	most := 0
	for _, b := range r.Ages {
		most = max(most, b.Tokens)
	}
	slot := float64(p.X2-p.X1) / float64(len(r.Ages))
	gap := slot * 0.2
	height := func(n int) float64 {
		if n == 0 {
			return 0
		}
		return max(2, float64(n)*float64(p.Base-top)/float64(most))
	}
	for i, b := range r.Ages {
		x := float64(p.X1) + slot*float64(i)
		whole, stale := height(b.Tokens), height(b.Stale)
		y := float64(p.Base) - whole
		p.Bars = append(p.Bars, bar{
			X: tenth(x + gap/2), W: tenth(slot - gap), Y: tenth(y + stale), H: tenth(whole - stale),
			StaleY: tenth(y), StaleH: tenth(stale),
			TextX: tenth(x + slot/2), TextY: tenth(y - 6), Count: short(b.Tokens), From: strconv.Itoa(b.From), TickX: tenth(x),
		})
		if limit := r.Policy.MaxAgeDays; limit >= b.From && (limit < b.To || b.To == 0) {
			p.Limit = x
			if b.To > 0 {
				p.Limit += slot * float64(limit-b.From) / float64(b.To-b.From)
			}
		}
	}
	p.Limit = tenth(p.Limit)
	p.Policy, p.Anchor, p.LimitX = "stale after ", "start", tenth(p.Limit+7)
	if otherLimits(&r.Policy) != "" {
		p.Policy = "default limit "
	}
	p.Policy += plural(r.Policy.MaxAgeDays, "day")
	if p.Limit > float64(p.W)*0.6 {
		p.Anchor, p.LimitX = "end", tenth(p.Limit-7)
	}
	return p
}

// short writes a count so that it fits over a bar.
func short(n int) string {
	switch {
	case n >= 100_000:
		return strconv.Itoa(n/1000) + "k"
	case n >= 10_000:
		return strconv.FormatFloat(float64(n)/1000, 'f', 1, 64) + "k"
	}
	return thousands(n)
}

func tenth(f float64) float64 { return math.Round(f*10) / 10 }
