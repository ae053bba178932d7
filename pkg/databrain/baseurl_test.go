package databrain_test

import (
	"net/url"
	"strings"
	"testing"

	"databrain-rotation/pkg/databrain"
)

func TestParseBaseURL(t *testing.T) {
	const refused = ""
	for _, tt := range []struct{ value, strict, lax string }{
		{"https://databrain.example.com", "https://databrain.example.com", "https://databrain.example.com"},
		{"https://databrain.example.com/", "https://databrain.example.com", "https://databrain.example.com"},
		{"https://databrain.example.com///", "https://databrain.example.com", "https://databrain.example.com"},
		{"https://databrain.example.com/bi/v1/", "https://databrain.example.com/bi/v1",
			"https://databrain.example.com/bi/v1"},
		{"https://databrain.example.com/a%20b/", "https://databrain.example.com/a%20b",
			"https://databrain.example.com/a%20b"},
		{"https://databrain.example.com/a%2Fb/", "https://databrain.example.com/a%2Fb",
			"https://databrain.example.com/a%2Fb"},
		{"https://databrain.example.com:8443", "https://databrain.example.com:8443", "https://databrain.example.com:8443"},
		{"HTTPS://Databrain.example.com", "https://Databrain.example.com", "https://Databrain.example.com"},
		{"https://10.0.0.1:3000", "https://10.0.0.1:3000", "https://10.0.0.1:3000"},
		{"https://[2001:db8::1]:3000", "https://[2001:db8::1]:3000", "https://[2001:db8::1]:3000"},

		{"http://localhost:3000", "http://localhost:3000", "http://localhost:3000"},
		{"http://127.0.0.1:3000", "http://127.0.0.1:3000", "http://127.0.0.1:3000"},
		{"http://127.8.8.8", "http://127.8.8.8", "http://127.8.8.8"},
		{"http://[::1]:3000/bi", "http://[::1]:3000/bi", "http://[::1]:3000/bi"},
		{"http://databrain.example.com", refused, "http://databrain.example.com"},
		{"http://10.0.0.1", refused, "http://10.0.0.1"},
		{"http://0.0.0.0", refused, "http://0.0.0.0"},
		{"http://[::]", refused, "http://[::]"},
		{"http://localhost.example.com", refused, "http://localhost.example.com"},
		{"http://127.0.0.1.example.com", refused, "http://127.0.0.1.example.com"},
		{"http://127.1", refused, "http://127.1"},
		{"http://0x7f000001", refused, "http://0x7f000001"},

		{"", refused, refused},
		{" ", refused, refused},
		{"databrain.example.com", refused, refused},
		{"databrain.example.com:3000", refused, refused},
		{"localhost:3000", refused, refused},
		{"//databrain.example.com", refused, refused},
		{"/bi", refused, refused},
		{"https:", refused, refused},
		{"https://", refused, refused},
		{"https:///bi", refused, refused},
		{"https://:3000", refused, refused},
		{"https:databrain.example.com", refused, refused},
		{"https:/databrain.example.com", refused, refused},
		{"ftp://databrain.example.com", refused, refused},
		{"file:///etc/passwd", refused, refused},
		{"javascript:alert(1)", refused, refused},
		{"unix:///run/databrain.sock", refused, refused},
		{" https://databrain.example.com", refused, refused},
		{"https://databrain.example.com ", refused, refused},
		{"https://databrain.example.com\n", refused, refused},
		{"https://data brain.example.com", refused, refused},
		{"https://databrain.example.com:port", refused, refused},
		{"https://databrain.example.com:0", refused, refused},
		{"https://databrain.example.com:65536", refused, refused},
		{"https://databrain.example.com:-1", refused, refused},
		{"https://databrain.example.com/%zz", refused, refused},
		{"https://[::1", refused, refused},
		{"https://user@databrain.example.com", refused, refused},
		{"https://user:pass@databrain.example.com", refused, refused},
		{"https://:@databrain.example.com", refused, refused},
		{"https://@databrain.example.com", refused, refused},
		{"http://user:pass@localhost", refused, refused},
		{"https://databrain.example.com?", refused, refused},
		{"https://databrain.example.com?token=x", refused, refused},
		{"https://databrain.example.com#", refused, refused},
		{"https://databrain.example.com/#/login", refused, refused},
	} {
		for allow, want := range map[bool]string{false: tt.strict, true: tt.lax} {
			u, err := databrain.ParseBaseURL(tt.value, allow)
			switch {
			case want == refused && err == nil:
				t.Errorf("%q, http %t: accepted as %s", tt.value, allow, u)
			case want != refused && err != nil:
				t.Errorf("%q, http %t: %v", tt.value, allow, err)
			case want != refused && u.String() != want:
				t.Errorf("%q, http %t: %s", tt.value, allow, u)
			}
		}
	}
}

// TestParseBaseURLTellsNoValue: a value in the wrong variable may be a password.
func TestParseBaseURLTellsNoValue(t *testing.T) {
	for _, form := range []string{"%s", "https://u:%s@h", "https://%s@h", "https://h/?%s", "https://h#%s",
		"%s://h", "http://%s.example", "https://h:%s", "https://h/%%zz%s", "https://[%s"} {
		_, err := databrain.ParseBaseURL(strings.ReplaceAll(form, "%s", "c4n4ry"), false)
		if err == nil {
			t.Errorf("%s: accepted", form)
		} else if strings.Contains(err.Error(), "c4n4ry") {
			t.Errorf("%s: %v", form, err)
		}
	}
}

func FuzzParseBaseURL(f *testing.F) {
	for _, seed := range []string{
		"https://databrain.example.com/bi", "http://[::1]:3000", "http://localhost#", "https://a:b@c?d#e",
		"https://h/a%2Fb//", "https://h:99999",
	} {
		f.Add(seed, false)
		f.Add(seed, true)
	}
	f.Fuzz(func(t *testing.T, value string, allowHTTP bool) {
		u, err := databrain.ParseBaseURL(value, allowHTTP)
		if err != nil {
			return
		}
		if u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" ||
			u.ForceQuery ||
			u.Fragment != "" {
			t.Errorf("%q: accepted as %#v", value, u)
		}
		again, err := databrain.ParseBaseURL(u.String(), allowHTTP)
		if err != nil || again.String() != u.String() {
			t.Errorf("%q: became %s and then %v, %v", value, u, again, err)
		}
		call, err := url.Parse(u.JoinPath("/api/v2/data-app").String())
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(call.EscapedPath(), "/api/v2/data-app") || call.Host != u.Host {
			t.Errorf("%q: a call goes to %s", value, call)
		}
	})
}
