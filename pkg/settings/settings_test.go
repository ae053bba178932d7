package settings_test

import (
	"strings"
	"testing"
	"time"

	"databrain-rotation/pkg/settings"
)

func reader(env map[string]string) *settings.Reader {
	return &settings.Reader{Getenv: func(name string) string { return env[name] }}
}

func TestReaderReturnsValuesAndDefaults(t *testing.T) {
	r := reader(map[string]string{
		"NAME": "n", "MODE": "b", "COUNT": "7", "GRACE": "90s", "DATABRAIN_BASE_URL": "https://db.example.com/prefix/",
	})
	if got := r.Required("NAME"); got != "n" {
		t.Errorf("Required: %q", got)
	}
	if got := r.Choice("MODE", "a", "b"); got != "b" {
		t.Errorf("Choice: %q", got)
	}
	if got := r.Choice("OTHER", "a", "b"); got != "a" {
		t.Errorf("Choice, default: %q", got)
	}
	if got := r.Int("COUNT", 3, 1, 9); got != 7 {
		t.Errorf("Int: %d", got)
	}
	if got := r.Int("OTHER", 3, 1, 9); got != 3 {
		t.Errorf("Int, default: %d", got)
	}
	if got := r.Seconds("GRACE", time.Hour); got != 90*time.Second {
		t.Errorf("Seconds: %v", got)
	}
	if got := r.Seconds("OTHER", time.Hour); got != time.Hour {
		t.Errorf("Seconds, default: %v", got)
	}
	if got := r.Instance(); got.String() != "https://db.example.com/prefix" {
		t.Errorf("Instance: %v", got)
	}
	if err := r.Err(); err != nil {
		t.Error(err)
	}
}

func TestReaderNamesEveryFaultAndNoValue(t *testing.T) {
	const canary = "s3cret-canary"
	r := reader(map[string]string{
		"PADDED": canary + " ", "MODE": canary, "COUNT": canary, "BIG": "99", "GRACE": canary, "PART": "1500ms",
		"ZERO": "0s", "DATABRAIN_BASE_URL": "https://admin:" + canary + "@db.example.com", "DATABRAIN_ALLOW_HTTP": canary,
	})
	r.Required("MISSING")
	r.Required("PADDED")
	r.Choice("MODE", "a", "b")
	r.Int("COUNT", 1, 0, 9)
	r.Int("BIG", 1, 0, 9)
	r.Seconds("GRACE", time.Hour)
	r.Seconds("PART", time.Hour)
	r.Seconds("ZERO", time.Hour)
	r.Instance()
	err := r.Err()
	if err == nil {
		t.Fatal("no error")
	}
	for _, name := range []string{
		"MISSING", "PADDED", "MODE", "COUNT", "BIG", "GRACE", "PART", "ZERO", "DATABRAIN_BASE_URL", "DATABRAIN_ALLOW_HTTP",
	} {
		if !strings.Contains(err.Error(), name+" ") {
			t.Errorf("%s is not named in: %v", name, err)
		}
	}
	if strings.Contains(err.Error(), canary) {
		t.Errorf("a value is shown: %v", err)
	}
}
