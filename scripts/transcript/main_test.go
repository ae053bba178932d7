package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTranscript(t *testing.T) {
	const shown = "\n1. Title\n  step    4 ms\n  token  1048 d  version 0123abcd\n  ok\n\n3. Third\n  fine\n"
	dir := t.TempDir()
	readme, demo := filepath.Join(dir, "README.md"), filepath.Join(dir, "demo.txt")
	save := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	save(readme, "# Title\n\n"+begin+"old\n"+end+"rest\n")
	save(demo, shown)
	if err := run(readme, demo, false); err == nil {
		t.Error("another text is taken for the demonstration's")
	}
	if err := run(readme, demo, true); err != nil {
		t.Fatal(err)
	}
	if page, err := os.ReadFile(readme); err != nil || !strings.HasPrefix(string(page), "# Title\n\n"+begin+"```text\n1. Title\n") ||
		!strings.HasSuffix(string(page), "  ok\n```\n"+end+"rest\n") || strings.Contains(string(page), "Third") {
		t.Errorf("%q, %v", page, err)
	}
	save(demo, strings.NewReplacer("   4 ms", " 123 ms", "1048", "1050", "0123abcd", "ffffffff").Replace(shown))
	if err := run(readme, demo, false); err != nil {
		t.Errorf("times, ages and versions count: %v", err)
	}
	save(demo, strings.Replace(shown, "ok", "BROKEN", 1))
	if err := run(readme, demo, false); err == nil {
		t.Error("another outcome is taken for the same")
	}
}
