package finding_test

import (
	"strings"
	"testing"

	"databrain-rotation/pkg/audit/finding"
)

// TestPolicyFaultsHaveAPlace: what people write in place of JSON is named by what it
// looks like, with line and column, and nothing of it is shown.
func TestPolicyFaultsHaveAPlace(t *testing.T) {
	const secret = "3b241101-e2bb-4255-8caf-4136c566a962"
	for text, want := range map[string]string{
		"":                                       "it is empty",
		" \n\t":                                  "it is empty",
		"null":                                   "line 1, column 1: the policy has to begin with {",
		"\n [{}]":                                "line 2, column 2: the policy has to begin with {",
		secret:                                   "line 1, column 1: the policy has to begin with {",
		"eyJhbGciOiJIUzI1NiJ9.e30.":              "line 1, column 1: the policy has to begin with {",
		"s3:/bucket/policy.json":                 "s3://bucket/key",
		"s3:bucket/policy.json":                  "s3://bucket/key",
		"s3/bucket/policy.json":                  "s3://bucket/key",
		"s3//bucket/policy.json":                 "s3://bucket/key",
		" S3://bucket/policy.json":               "s3://bucket/key",
		"\"s3://bucket/policy.json":              "s3://bucket/key",
		"arn:aws:s3:::b/policy":                  "s3://bucket/key",
		"arn:aws-cn:s3:::b/policy":               "s3://bucket/key",
		"https://b.s3.amazonaws.com/policy.json": "an address",
		"file://policy.json":                     "an address",
		"policy.json":                            "the name of a file",
		`"{\"maxAgeDays\":90}"`:                  "the quotes around the whole policy are too many",
		"'{\"maxAgeDays\":90}'":                  "the quotes around the whole policy are too many",
		"maxAgeDays: 90\nrules:\n  - id: a":      "YAML",
		"---\nmaxAgeDays: 90":                    "YAML",
		"# our policy\nmaxAgeDays: 90":           "YAML",
		"- id: a\n  maxAgeDays: 90":              "YAML",
		"rules:\n  - id: a":                      "YAML",
		"<?xml version='1.0'?>":                  "HTML or XML",
		"<html>":                                 "HTML or XML",

		"// ours\n{}":                                     "line 1, column 1: a comment",
		"# ours\n{}":                                      "line 1, column 1: a comment",
		"{\n  \"maxAgeDays\": 90, // ours\n}":             "line 2, column 21: a comment",
		"{\n  /* ours */ \"maxAgeDays\": 90\n}":           "line 2, column 3: a comment",
		"{\"maxAgeDays\": 90 # ours\n}":                   "line 1, column 19: a comment",
		"{\n \"maxAgeDays\": 90,\n}":                      "line 2, column 18: a comma before a closing bracket",
		"{\"rules\": [{\"id\":\"a\",\"maxAgeDays\":1},]}": "line 1, column 37: a comma before a closing bracket",
		"{\n\"maxAgeDays\": 90\n\"dueWithinDays\": 3\n}": "line 2, column 17: a comma is missing before what " +
			"follows in line 3",
		"{\"rules\":[{\"id\":\"a\"}\n{\"id\":\"b\"}]}": "line 1, column 21: a comma is missing before what " +
			"follows in line 2",
		"{\"rules\":[{\"id\":\"ü\" \"maxAgeDays\":1}]}": "line 1, column 20: a comma is missing before what " +
			"follows in line 1",
		"{\"maxAgeDays\" 90}":    "line 1, column 15: a colon is missing before this",
		"{\"maxAgeDays\", 90}":   "line 1, column 14: a colon is missing before this",
		"{\"maxAgeDays\"}":       "line 1, column 14: a colon is missing before this",
		"{\"maxAgeDays\": }":     "line 1, column 16: nothing stands before this",
		"{\"maxAgeDays\": 90,,}": "line 1, column 19: nothing stands before this",
		"{, \"maxAgeDays\": 90}": "line 1, column 2: nothing stands before this",
		"{maxAgeDays: 90}": "line 1, column 2: the name of a member has to stand " +
			"in quotation marks",
		"{'maxAgeDays': 90}":       "line 1, column 2: a quotation mark that JSON does not have",
		"{“maxAgeDays”: 90}":       "line 1, column 2: a quotation mark that JSON does not have",
		"{\\\"maxAgeDays\\\": 90}": "line 1, column 2: a backslash outside of a text",
		"{\"rules\": None}":        "line 1, column 11: a word that JSON does not have",
		"{\"maxAgeDays\": ninety}": "line 1, column 17: a number or a word in a form that " +
			"JSON does not have",
		"{\"maxAgeDays\": 090}": "line 1, column 17: a number or a word in a form that " +
			"JSON does not have",
		"{\"maxAgeDays\": 90.}": "line 1, column 19: a number or a word in a form that " +
			"JSON does not have",
		"{\"maxAgeDays\": 90d}": "line 1, column 18: a number or a word in a form that " +
			"JSON does not have",
		"{\"maxAgeDays\": +90}":               "line 1, column 16: a character that has no place here",
		"{\"rules\": [}":                      "line 1, column 12: a closing bracket of the other kind",
		"{\"rules\": [1}":                     "line 1, column 13: a closing bracket of the other kind",
		"{\"maxAgeDays\": 90":                 "line 1, column 18: the policy ends here",
		"{\"rules\": [\n{\"id\": \"" + secret: "line 2, column 45: the policy ends here",
		"{\"rules\":[{\"id\":\"a\nb\"}]}":     "line 1, column 19: a line break or another control character",
		"{\"rules\":[{\"id\":\"a\\d\"}]}":     "line 1, column 20: a backslash with something behind it",
		"{} {}":                               "line 1, column 4: something behind the end",
		"{}}":                                 "line 1, column 3: something behind the end",
		"{},":                                 "line 1, column 3: something behind the end",
		"{\"maxAgeDays\": \xff}":              "is not UTF-8: line 1, column 16",
		"{\"rules\":[{\"id\":\"\xfcber\",\"maxAgeDays\":1}]}": "is not UTF-8: line 1, column 18",
		"\xff\xfe{\x00}\x00": "UTF-16",
		"\x1f\x8b\x08\x00":   "gzip",
		"{\x00}\x00":         "UTF-16",
		"\x00{\x00}":         "UTF-16",
	} {
		_, err := finding.ParsePolicy([]byte(text), "test")
		faults := asError[*finding.InvalidPolicy](t, err).Faults
		if len(faults) != 1 || !strings.Contains(faults[0], want) {
			t.Errorf("%q: %q, want %q", text, faults, want)
		}
		if told := strings.Join(faults, ""); strings.Contains(told, secret) || strings.Contains(told, "eyJ") {
			t.Errorf("%q: the fault shows it: %q", text, told)
		}
		if _, marked := finding.ParsePolicy([]byte("\uFEFF"+text), "test"); !strings.HasPrefix(text, "\xff") &&
			marked.Error() != err.Error() {
			t.Errorf("%q: a byte order mark changes the fault to %v", text, marked)
		}
	}
}

func TestPolicyMayBeginWithAByteOrderMark(t *testing.T) {
	p, err := finding.ParsePolicy([]byte("\uFEFF{\"maxAgeDays\":30}"), "test")
	if err != nil || p.MaxAgeDays != 30 {
		t.Errorf("%+v, %v", p, err)
	}
}
