package report_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"html"
	"math"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"databrain-rotation/pkg/audit/finding"
	"databrain-rotation/pkg/audit/report"
)

func render(t *testing.T, r *report.Report) string {
	t.Helper()
	var buf bytes.Buffer
	if err := report.WriteHTML(&buf, r); err != nil {
		t.Fatal(err)
	}
	return buf.String()
}

var (
	tags    = regexp.MustCompile(`<[^>]*>`)
	element = regexp.MustCompile(`^<(/?)([a-z0-9]+)((?: [a-zA-Z0-9-]+(?:="[^"<>]*")?)*)>$`)
	style   = regexp.MustCompile(`(?s)<style>(.*)</style>`)
)

// TestPageIsWellFormed walks all tags of each page: a name from outside that got
// out of its place would leave one open, or bring one that the page does not use.
func TestPageIsWellFormed(t *testing.T) {
	t.Parallel()
	allowed := strings.Fields(
		"a bdi body circle code dd details div dl dt figure footer h1 h2 head header html li line main meta ol p path " +
			"rect section span strong style summary svg table tbody td text th thead title tr ul",
	)
	empty := strings.Fields("meta circle line path rect")
	for name, r := range reports() {
		t.Run(name, func(t *testing.T) {
			page := style.ReplaceAllString(render(t, r), "<style></style>")
			body, found := strings.CutPrefix(page, "<!DOCTYPE html>")
			if !found {
				t.Fatal("no doctype")
			}
			var open []string
			for _, tag := range tags.FindAllString(body, -1) {
				m := element.FindStringSubmatch(strings.Replace(tag, "/>", ">", 1))
				switch {
				case m == nil || !slices.Contains(allowed, m[2]):
					t.Fatalf("unexpected tag %q", tag)
				case regexp.MustCompile(` (?:on[a-z]+|style|src)=`).MatchString(m[3]):
					t.Fatalf("unexpected attribute in %q", tag)
				case slices.Contains(empty, m[2]):
				case m[1] == "":
					open = append(open, m[2])
				case len(open) == 0 || open[len(open)-1] != m[2]:
					t.Fatalf("%s closes %v", tag, open)
				default:
					open = open[:len(open)-1]
				}
			}
			if len(open) > 0 || strings.ContainsAny(tags.ReplaceAllString(body, ""), "<>") {
				t.Errorf("open at the end: %v, or a bare angle bracket", open)
			}
		})
	}
}

// TestPageNeedsNothing: nothing is loaded from anywhere, and the page's own policy
// lets its one style through by its hash and nothing else.
func TestPageNeedsNothing(t *testing.T) {
	t.Parallel()
	for name, r := range reports() {
		page := render(t, r)
		css := style.FindStringSubmatch(page)
		if css == nil {
			t.Fatalf("%s: no style", name)
		}
		sum := sha256.Sum256([]byte(css[1]))
		policy := `content="default-src 'none'; style-src 'sha256-` + base64.StdEncoding.EncodeToString(
			sum[:],
		) + `'; base-uri 'none'; form-action 'none'"`
		if !strings.Contains(html.UnescapeString(page), policy) {
			t.Errorf("%s: no policy %s", name, policy)
		}
		markup := tagsAndStyle(page)
		for _, loads := range []string{"url(", "@import", "@font-face", "<link", "src=", "<script", "<iframe"} {
			if strings.Contains(markup, loads) {
				t.Errorf("%s: the page has %q", name, loads)
			}
		}
		for _, link := range regexp.MustCompile(`href="([^"]*)"`).FindAllStringSubmatch(page, -1) {
			if !strings.HasPrefix(link[1], "#") && !slices.Contains(report.Beside(), link[1]) &&
				!strings.HasPrefix(link[1], "https://docs.usedatabrain.com/") && html.UnescapeString(link[1]) != r.Dashboard {
				t.Errorf("%s: a link to %s", name, link[1])
			}
		}
	}
}

// tagsAndStyle is a page without its text.
func tagsAndStyle(page string) string {
	return strings.Join(tags.FindAllString(page, -1), "") + style.FindString(page)
}

// text is what a person reads of a page.
func text(page string) string {
	page = tags.ReplaceAllString(style.ReplaceAllString(page, ""), " ")
	return strings.Join(strings.Fields(html.UnescapeString(page)), " ")
}

func TestPageSays(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		report *report.Report
		want   []string
	}{
		"sample": {sampleReport(), []string{
			"49 of the 205 API tokens that could be read are stale", "https://databrain.example.com",
			"Thursday, 12 March 2026, 06:00 UTC",
			"Partial. 3 of 17 data apps could not be read.", "Stale API tokens 49",
			"Oldest API token 1,204 days 3.3 years", "Data apps covered 14 of 17",
			"Coverage gaps 3", "New findings 24 45 ongoing, 1 reopened", "Resolved 2", "Suppressed 1", "default limit 90 days",
			"The line is the default limit; a rule sets 30 days for the tokens that it matches. A lower limit makes 7 " +
				"stale before the line.",
			"board deck fingerprint edb4038da7afd6af Next: Rotate it Investor Reporting 1,204 days limit 90 ongoing " +
				"stale since 2023-02-21 known since 2026-03-09 high before",
			"All findings are in the files beside it: findings.json , findings.csv , findings.ocsf.json .",
			"Exception of the audit policy has expired exception demo-keys Next: Replace the tokens", "nightly exception " +
				"legacy-etl fingerprint", "Chargebacks The service token may not read this (HTTP status 403), after 1 " +
				"request forbidden Check that",
			"Zendesk Sync No answer in time, after 4 requests timeout", "legacy-etl data app ETL token nightly vendor " +
				"cannot rotate before Q2 data-platform 1 finding 9 days left to 2026-03-21",
			"2 findings, counted again expired to 2026-02-28",
			"old-portal data app Portal v1 to be switched off platform nothing that could be read 294 days left",
			"Rotation on", "2026-02-28, 12 days ago", "begun 2026-03-10 06:00 UTC and not finished", "customers: 30 days",
			"no last-used time", "2 of the tokens that were read have no usable creation time",
			"The dashboard shows the alarms, and these numbers over time.",
			"What to do with a stale token", "7b5f1e0a-6c1d-4f0e-9a53-0d6f6f6a2b11",
		}},
		"empty": {emptyReport(), []string{
			"No API token is stale", "Complete. The instance has no data apps.", "Nothing was found.",
			"The policy has no exceptions.", "nothing pending",
		}},
		"failed": {failedReport(), []string{
			"The audit failed: nothing is known of the API tokens", "Failed. The run did not get through.",
			"nor was the one that AWSPENDING holds",
			"Stale API tokens ? not known: nothing was read",
			"the list of the data apps The service token was not accepted (HTTP status 401)",
			"not known: Secrets Manager was not asked or did not answer", "Oldest API token not known",
			"Data apps covered 0 the list of them is not complete", "No data app was read, so nothing counts as clean.",
		}},
		"large": {largeReport(10_000), []string{
			"10,000 of 10,000 API tokens are stale", "Complete. The API tokens of all 3,333 data apps were read.",
			"9,500 more findings, left out here to keep the page readable: see findings.csv.", "more data apps, left out",
		}},
		"hostile": {hostileReport(), []string{`<script>alert(1)</script>`, `{{.Style}}{{`, `javascript:alert(1)`,
			`note <b>bold</b>`, `(blank)`, `(no name)`}},
	} {
		t.Run(name, func(t *testing.T) {
			got := text(render(t, test.report))
			for _, want := range test.want {
				if !strings.Contains(got, want) {
					t.Errorf("the page does not say %q", want)
				}
			}
		})
	}
}

// TestHeadlineNeverCleansWhatWasNotRead: a zero is good news only in a complete
// run.
func TestHeadlineNeverCleansWhatWasNotRead(t *testing.T) {
	for status, want := range map[report.Status]string{
		report.Complete: "No API token is stale",
		report.Partial:  "No stale API token among the 3 that could be read",
		report.Failed:   "No stale API token among the 3 that could be read",
	} {
		f := newFixture()
		for range 3 {
			f.token("Billing Insights", "fresh", 10)
		}
		r := f.report(1)
		r.Summary.Status = status
		page := render(t, r)
		if got := text(page); !strings.Contains(got, want) {
			t.Errorf("%s: no headline %q", status, want)
		}
		if good := strings.Contains(page, `class="status complete good"`); good != (status == report.Complete) {
			t.Errorf("%s: shown as good: %v", status, good)
		}
	}
}

// TestPageIsBounded: 500 rows of the longest names, each character of which needs
// five in HTML, are shown whole, and nothing else may grow without end either.
func TestPageIsBounded(t *testing.T) {
	t.Parallel()
	f := newFixture()
	for i := range 3000 {
		f.token(strings.Repeat(`"`, 250)+strconv.Itoa(i), strings.Repeat(`'`, 256), 500)
		if i < 2000 {
			f.gap(strings.Repeat("<", 250)+strconv.Itoa(i), finding.GapServer, 500, 4)
		}
		if i < 20 {
			f.r.Policy.Rules = append(f.r.Policy.Rules, finding.Rule{ID: strings.Repeat("&", 10_000), MaxAgeDays: 30})
		}
	}
	page := render(t, f.report(5000))
	if len(page) > 2<<20 {
		t.Errorf("the page has %d bytes", len(page))
	}
	if got := text(page); !strings.Contains(got, "4,500 more findings") || !strings.Contains(got, "1,800 more gaps") {
		t.Error("the page does not say what it leaves out")
	}
}

// TestHistogram: each drawing has a bar a bin, and the line of the policy between
// the bars that it divides.
func TestHistogram(t *testing.T) {
	mark := regexp.MustCompile(`<line class="mark" x1="([0-9.]+)"`)
	bars := regexp.MustCompile(
		`<rect class="(within|stale)" x="([0-9.]+)" y="[0-9.]+" width="([0-9.]+)" height="([0-9.]+)"`,
	)
	for limit, before := range map[int]int{90: 3, 180: 4, 730: 6, 30: 1} {
		f := newFixture()
		f.r.Policy.MaxAgeDays = limit
		for _, age := range []int{5, 45, 75, 100, 200, 400, 800} {
			f.token("Billing Insights", "one of each bin", age)
		}
		page := render(t, f.report(1))
		marks := mark.FindAllStringSubmatch(page, -1)
		if len(marks) != 2 {
			t.Fatalf("%d lines", len(marks))
		}
		found := bars.FindAllStringSubmatch(page, -1)
		if len(found) != 14 {
			t.Fatalf("limit %d: %d bars in two drawings", limit, len(found))
		}
		for i, bar := range found {
			x, right := decimal(t, bar[2]), decimal(t, bar[2])+decimal(t, bar[3])
			at := decimal(t, marks[i/7][1])
			if left := i%7 < before; left && right > at || !left && x < at {
				t.Errorf("limit %d: the line at %v is on the wrong side of bar %d (%v to %v)", limit, at, i%7, x, right)
			}
			if bar[4] != found[i/7*7][4] {
				t.Errorf("limit %d: bar %d of 1 token has height %s", limit, i%7, bar[4])
			}
		}
	}
	const label = "90 to 179: 18, 18 stale."
	if page := render(t, sampleReport()); strings.Count(page, label) != 2 || strings.Count(page, `role="img"`) != 2 {
		t.Errorf("the drawings have no text with %q", label)
	}
}

func decimal(t *testing.T, s string) float64 {
	t.Helper()
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestContrast computes the contrast of each pair of colours that carries text:
// 4.5 to 1 is the least that WCAG 2.2 allows at level AA.
func TestContrast(t *testing.T) {
	css, err := os.ReadFile("report.css")
	if err != nil {
		t.Fatal(err)
	}
	schemes := regexp.MustCompile(`(?s):root \{(.*?)\}`).FindAllSubmatch(css, -1)
	if len(schemes) != 2 {
		t.Fatalf("%d colour schemes, want light and dark", len(schemes))
	}
	pairs := [][2]string{
		{
			"text",
			"page",
		}, {"text", "card"}, {"muted", "page"}, {"muted", "card"}, {"link", "card"}, {"good", "card"}, {"good",
			"good-tint"}, {"medium", "card"},
	}
	for _, severity := range finding.Severities() {
		pairs = append(pairs, [2]string{string(severity), string(severity) + "-tint"})
	}
	for i, scheme := range schemes {
		colours := map[string]string{}
		for _, m := range regexp.MustCompile(`--([a-z-]+): (#[0-9a-f]{6});`).FindAllStringSubmatch(string(scheme[1]), -1) {
			colours[m[1]] = m[2]
		}
		for _, pair := range pairs {
			if ratio := contrast(t, colours[pair[0]], colours[pair[1]]); ratio < 4.5 {
				t.Errorf("scheme %d: %s on %s has a contrast of %.2f", i, pair[0], pair[1], ratio)
			}
		}
	}
}

// contrast is the ratio that WCAG 2.2 defines.
func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	luminance := func(colour string) float64 {
		var sum float64
		for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
			n, err := strconv.ParseUint(colour[1+2*i:3+2*i], 16, 8)
			if err != nil {
				t.Fatal(err)
			}
			c := float64(n) / 255
			if c <= 0.04045 {
				sum += weight * c / 12.92
			} else {
				sum += weight * math.Pow((c+0.055)/1.055, 2.4)
			}
		}
		return sum
	}
	if len(a) != 7 || len(b) != 7 {
		t.Fatalf("no colours: %q, %q", a, b)
	}
	la, lb := luminance(a), luminance(b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

// TestWritersFail: a report that did not get out whole is an error.
func TestWritersFail(t *testing.T) {
	t.Parallel()
	broken := errors.New("disk full")
	for name, write := range writers() {
		for _, room := range []int{0, 5000} {
			if err := write(&shortWriter{room, broken}, largeReport(600)); !errors.Is(err, broken) {
				t.Errorf("%s with room for %d bytes: %v", name, room, err)
			}
		}
	}
}

type shortWriter struct {
	room int
	err  error
}

func (w *shortWriter) Write(p []byte) (int, error) {
	if w.room -= len(p); w.room < 0 {
		return 0, w.err
	}
	return len(p), nil
}

// TestWritersStream: the memory that a writer needs does not grow with the number
// of findings.
func TestWritersStream(t *testing.T) {
	r := largeReport(scaleFindings)
	for name, write := range writers() {
		var base runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&base)
		w := &heapWriter{}
		if err := write(w, r); err != nil {
			t.Fatal(err)
		}
		const most = 4 << 20
		if grown := int64(w.most) - int64(base.HeapAlloc); grown > most {
			t.Errorf("%s: %d bytes written, %d held on the way", name, w.written, grown)
		}
	}
	runtime.KeepAlive(r)
}

// heapWriter looks at the heap every two megabytes.
type heapWriter struct {
	written, next int
	most          uint64
}

func (w *heapWriter) Write(p []byte) (int, error) {
	if w.written += len(p); w.written >= w.next {
		w.next = w.written + 2<<20
		var now runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&now)
		w.most = max(w.most, now.HeapAlloc)
	}
	return len(p), nil
}

// TestPicturesHaveASize: without the style sheet, which some mail gateways take away, a
// picture without a size fills the page.
func TestPicturesHaveASize(t *testing.T) {
	source, err := os.ReadFile("report.html.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	pictures := regexp.MustCompile(`<svg [^>]*viewBox="0 0 \d+ \d+"[^>]*>`).FindAllString(string(source), -1)
	for _, picture := range pictures {
		if !strings.Contains(picture, `width="`) {
			t.Errorf("%s has no size", picture)
		}
	}
	if len(pictures) < 3 {
		t.Errorf("only %d pictures", len(pictures))
	}
}
