package diagnosis

import (
	"fmt"
	"regexp"
	"strings"
)

// commands writes what an operator pastes, for one secret of one instance.
type commands struct{ region, secret, instance string }

func (f Facts) commands() commands {
	return commands{region: f.Secret.Region, secret: f.Secret.ARN, instance: f.Instance.URL}
}

func (c commands) aws(operation, options string) string {
	line := fmt.Sprintf("aws secretsmanager %s --region %s --secret-id %s", operation, quote(c.region), quote(c.secret))
	if options != "" {
		line += " " + options
	}
	return line
}

// move puts AWSCURRENT on a version; from is the version that has it, "" for none.
func (c commands) move(to, from string) string {
	options := "--version-stage AWSCURRENT --move-to-version-id " + quote(to)
	if from != "" {
		options += " --remove-from-version-id " + quote(from)
	}
	return c.aws("update-secret-version-stage", options)
}

// unlabel takes AWSPENDING off a version without a question. It is only for a version
// whose token AWSCURRENT holds as well.
func (c commands) unlabel(version string) string {
	return c.aws("update-secret-version-stage", "--version-stage AWSPENDING --remove-from-version-id "+quote(version))
}

func (c commands) rotate() string  { return c.aws("rotate-secret", "") }
func (c commands) enable() string  { return c.aws("rotate-secret", "--no-rotate-immediately") }
func (c commands) restore() string { return c.aws("restore-secret", "") }

func (c commands) read(version string) string {
	return c.aws("get-secret-value", "--version-id "+quote(version)+" --query SecretString --output text")
}

// script is a verb of scripts/secret.sh, which asks Databrain before it writes.
func (c commands) script(verb string, args ...string) string {
	setting := "AWS_REGION=" + quote(c.region) + " DATABRAIN_BASE_URL=" + quote(c.instance)
	if strings.HasPrefix(c.instance, "http://") {
		setting += " DATABRAIN_ALLOW_HTTP=true"
	}
	line := setting + " sh scripts/secret.sh " + verb
	for _, arg := range args {
		line += " " + quote(arg)
	}
	return line
}

func (c commands) storeToken() string  { return c.script("store-token", c.secret) }
func (c commands) dropPending() string { return c.script("drop-pending", c.secret) }

// storeAdmin has a word in capitals: the e-mail address is the person's to give.
func (c commands) storeAdmin(admin string) string { return c.script("store-admin", admin, "EMAIL") }

var plainWord = regexp.MustCompile(`^[A-Za-z0-9/_+=.@:,-]+$`)

// quote returns word as a shell reads it back.
func quote(word string) string {
	if plainWord.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
