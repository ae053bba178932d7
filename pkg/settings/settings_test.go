package settings_test

import (
	"os"
	"path/filepath"
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
	if got := r.SecondsOrNone("GRACE", 0); got != 90*time.Second {
		t.Errorf("SecondsOrNone: %v", got)
	}
	if got := r.SecondsOrNone("OTHER", 0); got != 0 {
		t.Errorf("SecondsOrNone, default: %v", got)
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
		"QUOTED": `"` + canary + `"`, "SSL_CERT_FILE": "/nowhere/" + canary,
		"ZERO": "0s", "PAST": "-1s", "PARTLY": "1500ms", "WORD": canary, "DATABRAIN_BASE_URL": "https://admin:" +
			canary + "@db.example.com", "DATABRAIN_ALLOW_HTTP": canary,
	})
	r.Required("MISSING")
	r.Required("PADDED")
	r.SecretID("QUOTED")
	r.Choice("MODE", "a", "b")
	r.Int("COUNT", 1, 0, 9)
	r.Int("BIG", 1, 0, 9)
	r.Seconds("GRACE", time.Hour)
	r.Seconds("PART", time.Hour)
	r.Seconds("ZERO", time.Hour)
	r.SecondsOrNone("PAST", 0)
	r.SecondsOrNone("PARTLY", 0)
	r.SecondsOrNone("WORD", 0)
	r.Instance()
	err := r.Err()
	if err == nil {
		t.Fatal("no error")
	}
	for _, name := range []string{
		"MISSING", "PADDED", "QUOTED", "SSL_CERT_FILE", "MODE", "COUNT", "BIG", "GRACE", "PART", "ZERO", "PAST",
		"PARTLY", "WORD",
		"DATABRAIN_BASE_URL", "DATABRAIN_ALLOW_HTTP",
	} {
		if !strings.Contains(err.Error(), name+" ") {
			t.Errorf("%s is not named in: %v", name, err)
		}
	}
	if strings.Contains(err.Error(), canary) {
		t.Errorf("a value is shown: %v", err)
	}
}

func TestSecretID(t *testing.T) {
	for value, ok := range map[string]bool{
		"databrain/admin": true, "a+b=c.d@e!f-g_h": true,
		"arn:aws:secretsmanager:us-east-1:123456789012:secret:databrain/admin-GhIjKl": true,
		`"databrain/admin"`: false, `'databrain/admin'`: false, "databrain admin": false, "{{resolve:x}}": false,
		"": false, " a": false,
	} {
		r := reader(map[string]string{"ID": value})
		r.SecretID("ID")
		if err := r.Err(); (err == nil) != ok {
			t.Errorf("%q: %v", value, err)
		}
	}
}

func TestCertificateAuthorities(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, []byte("no PEM"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := reader(map[string]string{"DATABRAIN_BASE_URL": "https://db.example.com", "SSL_CERT_FILE": file})
	r.Instance()
	if err := r.Err(); err == nil ||
		!strings.Contains(err.Error(), "SSL_CERT_FILE names a file that holds no certificate") {
		t.Errorf("got %v", err)
	}
}
