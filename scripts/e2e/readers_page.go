package main

import (
	"context"
	"encoding/json"
	"fmt"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// chromium runs the browser without a window, on a profile of its own, and without
// what it would ask others for.
func (r *reading) chromium(ctx context.Context, args ...string) (string, error) {
	profile, err := os.MkdirTemp(r.dir, "chromium-")
	if err != nil {
		return "", err
	}
	flags := []string{
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--user-data-dir=" + profile,
	}
	browser := "chromium"
	if _, missing := exec.LookPath(browser); missing != nil {
		browser = "google-chrome"
	}
	return output(ctx, r.command(ctx, browser, append(flags, args...)...))
}

// accessible has axe-core (https://github.com/dequelabs/axe-core) look at the page as it
// is on a desk, in a narrow window and in the dark.
func (r *reading) accessible(ctx context.Context) error {
	page, err := os.ReadFile(filepath.Join(r.dir, "report.html"))
	if err != nil {
		return err
	}
	axe, err := os.ReadFile(filepath.Join(r.modules, "axe-core", "axe.min.js"))
	if err != nil {
		return err
	}
	dark := strings.Replace(string(page), "@media screen and (prefers-color-scheme: dark)", "@media screen", 1)
	if dark == string(page) {
		return fmt.Errorf("the page has no dark colours")
	}
	for _, look := range []struct{ name, page, size string }{
		{"desk", string(page), "1200,900"}, {"narrow", string(page), "500,900"}, {"dark", dark, "1200,900"},
	} {
		if err := r.axe(ctx, look.name, look.page, look.size, string(axe)); err != nil {
			return fmt.Errorf("%s: %w", look.name, err)
		}
	}
	spoilt := strings.Replace(string(page), `<html lang="en">`, "<html>", 1)
	if err := r.axe(ctx, "spoilt", spoilt, "1200,900", string(axe)); err == nil {
		return fmt.Errorf("axe-core has nothing to object to in a page without a language either")
	}
	return nil
}

// axe opens a copy of the page that runs axe-core and ends as its result. The copy goes
// without the policy that lets no script run.
func (r *reading) axe(ctx context.Context, name, page, size, script string) error {
	page = regexp.MustCompile(`<meta http-equiv="Content-Security-Policy"[^>]*>`).ReplaceAllLiteralString(page, "")
	const run = `axe.run(document, {resultTypes: ["violations"]}).then(result => {
		document.body.textContent = "";
		const out = document.body.appendChild(document.createElement("pre"));
		out.id = "axe";
		out.textContent = JSON.stringify({passes: result.passes.length, wide: wide,
			violations: result.violations.map(v => v.id + ": " + v.nodes[0].html)});
	})`
	const wide = "const wide = document.documentElement.scrollWidth - window.innerWidth;"
	page = strings.Replace(page, "</body>", "<script>"+script+"</script><script>"+wide+run+"</script></body>", 1)
	path := filepath.Join(r.dir, "axe-"+name+".html")
	if err := os.WriteFile(path, []byte(page), 0o600); err != nil {
		return err
	}
	dom, err := r.chromium(ctx, "--window-size="+size, "--virtual-time-budget=30000", "--dump-dom", "file://"+path)
	if err != nil {
		return err
	}
	m := regexp.MustCompile(`(?s)<pre id="axe">(.*?)</pre>`).FindStringSubmatch(dom)
	if m == nil {
		return fmt.Errorf("axe-core gave no result")
	}
	var result struct {
		Passes, Wide int
		Violations   []string
	}
	if err := json.Unmarshal([]byte(html.UnescapeString(m[1])), &result); err != nil {
		return err
	}
	switch {
	case len(result.Violations) > 0:
		return fmt.Errorf("%s", strings.Join(result.Violations, "\n"))
	case result.Passes < 10:
		return fmt.Errorf("only %d rules were tried", result.Passes)
	case result.Wide > 0:
		return fmt.Errorf("the page is %d pixels wider than its window", result.Wide)
	}
	return nil
}

// printed prints the page and reads the numbers of its pages.
func (r *reading) printed(ctx context.Context) error {
	pdf := filepath.Join(r.dir, "report.pdf")
	page := "file://" + filepath.Join(r.dir, "report.html")
	if _, err := r.chromium(ctx, "--no-pdf-header-footer", "--print-to-pdf="+pdf, page); err != nil {
		return err
	}
	text, err := output(ctx, r.command(ctx, "pdftotext", "-layout", pdf, "-"))
	if err != nil {
		return err
	}
	pages := strings.Count(text, "\f")
	for page := range pages {
		if want := fmt.Sprintf("page %d of %d", page+1, pages); !strings.Contains(text, want) {
			return fmt.Errorf("no %q at the foot", want)
		}
	}
	if pages < 2 {
		return fmt.Errorf("the report is printed on %d pages", pages)
	}
	return nil
}
