package main

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
)

// The chart: on the left the time of an audit by the number of data apps, both on
// scales of powers of ten, each measurement beside the line of what is possible; on
// the right its memory by the number of tokens.
const (
	chartWidth, chartHeight = 760, 310
	plotTop, plotBottom     = 40, 250
	timeLeft, timeRight     = 60, 420
	memoryLeft, memoryRight = 500, 740
)

const chartStyle = `<style>
text { font: 12px system-ui, sans-serif; fill: #57606a } .title { font-weight: 600; fill: #24292f }
.axis { stroke: #8c959f } .grid { stroke: #d0d7de; stroke-dasharray: 2 3 }
.rate { stroke: #0969da; fill: #0969da } .latency { stroke: #bc4c00; fill: #bc4c00 }
.floor { fill: none; stroke-width: 1.5 }
.limit { stroke: #cf222e; stroke-dasharray: 5 4 }
@media (prefers-color-scheme: dark) {
text { fill: #9198a1 } .title { fill: #f0f6fc } .axis { stroke: #656c76 } .grid { stroke: #3d444d }
.rate { stroke: #58a6ff; fill: #58a6ff } .latency { stroke: #f0883e; fill: #f0883e } .limit { stroke: #f85149 } }
text.rate, text.latency { stroke: none }
</style>
`

// draw returns an SVG that reads on light and dark pages.
func draw(all []growth, memory []audited) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" `+
		`aria-label="Time and memory of an audit as it grows">`+"\n", chartWidth, chartHeight)
	b.WriteString(chartStyle)
	drawTime(&b, all)
	drawMemory(&b, memory)
	b.WriteString("</svg>\n")
	return b.Bytes()
}

func drawTime(b *bytes.Buffer, all []growth) {
	last := len(all) - 1
	x := func(i int) float64 { return timeLeft + 30 + float64(i)*(timeRight-timeLeft-60)/float64(max(last, 1)) }
	y := func(seconds float64) float64 { // 10 ms at the bottom, 100 s at the top
		return plotBottom - (math.Log10(seconds)+2)/4*(plotBottom-plotTop)
	}
	text(b, "title", timeLeft, 20, "start", "Time of an audit: measured (●) and possible (line)")
	for _, tick := range []float64{0.01, 0.1, 1, 10, 100} {
		fmt.Fprintf(b, `<line class="grid" x1="%d" y1="%.1f" x2="%d" y2="%[2]f"/>`+"\n", timeLeft, y(tick), timeRight)
		text(b, "", timeLeft-8, y(tick)+4, "end", strconv.FormatFloat(tick, 'g', -1, 64)+" s")
	}
	axis(b, timeLeft, timeRight, "data apps")
	series := func(class string, of func(growth) audited) {
		fmt.Fprintf(b, `<polyline class="%s floor" points="`, class)
		for i, g := range all {
			fmt.Fprintf(b, "%.1f,%.1f ", x(i), y(of(g).floor().Seconds()))
		}
		b.WriteString("\"/>\n")
		for i, g := range all {
			fmt.Fprintf(b, `<circle class="%s" cx="%.1f" cy="%.1f" r="4"/>`+"\n", class, x(i), y(of(g).wall.Seconds()))
		}
	}
	series("latency", func(g growth) audited { return g.byLatency })
	series("rate", func(g growth) audited { return g.byRate })
	for i, g := range all {
		text(b, "", x(i), plotBottom+18, "middle", strconv.Itoa(g.byRate.apps))
	}
	text(b, "latency", timeLeft+14, plotTop+22, "start",
		fmt.Sprintf("bound by latency: 16 at a time, %d ms each", latency.Milliseconds()))
	text(b, "rate", timeLeft+14, plotTop+40, "start", "bound by rate: 30,000 a minute")
}

func drawMemory(b *bytes.Buffer, memory []audited) {
	const highest = 140 << 20
	y := func(n int64) float64 { return plotBottom - float64(n)/highest*(plotBottom-plotTop) }
	slot := float64(memoryRight-memoryLeft) / float64(len(memory))
	text(b, "title", memoryLeft, 20, "start", "Peak memory, by apps × tokens")
	fmt.Fprintf(b, `<line class="limit" x1="%d" y1="%.1f" x2="%d" y2="%[2]f"/>`+"\n", memoryLeft, y(128<<20), memoryRight)
	text(b, "", memoryLeft-8, y(128<<20)+4, "end", "128 MB")
	axis(b, memoryLeft, memoryRight, "findings")
	for i, a := range memory {
		x := memoryLeft + slot*(float64(i)+0.5)
		fmt.Fprintf(b, `<rect class="rate" x="%.1f" y="%.1f" width="%.1f" height="%.1f"/>`+"\n",
			x-slot*0.3, y(a.peak), slot*0.6, plotBottom-y(a.peak))
		text(b, "", x, y(a.peak)-6, "middle", fmt.Sprintf("%.0f MB", megabytes(a.peak)))
		text(b, "", x, plotBottom+18, "middle", short(a.apps)+"×"+short(a.tokens))
		text(b, "", x, plotBottom+34, "middle", short(a.findings))
	}
}

func axis(b *bytes.Buffer, left, right int, label string) {
	fmt.Fprintf(b, `<line class="axis" x1="%d" y1="%d" x2="%d" y2="%[2]d"/>`+"\n", left, plotBottom, right)
	text(b, "", float64(left+right)/2, plotBottom+48, "middle", label)
}

func text(b *bytes.Buffer, class string, x, y float64, anchor, content string) {
	fmt.Fprintf(b, `<text class="%s" x="%.1f" y="%.1f" text-anchor="%s">%s</text>`+"\n", class, x, y, anchor, content)
}

// short writes 10000 as 10k.
func short(n int) string {
	if n >= 1000 {
		return strconv.Itoa(n/1000) + "k"
	}
	return strconv.Itoa(n)
}
