package runtimetest

import (
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"
)

const runtimeAPI = "AWS_LAMBDA_RUNTIME_API"

// Config says what to run. Only Path is required.
type Config struct {
	// Path is the bootstrap binary; a relative one is resolved by Start.
	Path string

	// Env is the function's own configuration. Beside it the process sees only
	// the variables that Lambda reserves, with the values of the package's
	// defaults unless Env gives others: AWS_LAMBDA_FUNCTION_NAME, AWS_REGION,
	// AWS_LAMBDA_LOG_FORMAT, the credentials and so on. AWS_LAMBDA_RUNTIME_API
	// cannot be given.
	Env map[string]string

	// Timeout bounds one invocation, from the hand-over of the event until the
	// runtime asks for the next one. Zero means 3 s, Lambda's default.
	Timeout time.Duration

	// InitTimeout bounds the start of the process until it asks for its first
	// event. Zero means 10 s, Lambda's limit.
	InitTimeout time.Duration

	// Log, if set, receives what the process writes, standard output and
	// standard error in one stream as in CloudWatch Logs. It is written at the
	// end of each invocation, by one goroutine at a time.
	Log io.Writer
}

// reserved are the variables that Lambda sets by itself, with the values of an
// OS-only runtime.
func reserved(root string) map[string]string {
	return map[string]string{
		"_HANDLER":                        "bootstrap",
		"AWS_ACCESS_KEY_ID":               "AKIDEXAMPLE",
		"AWS_DEFAULT_REGION":              "us-east-1",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
		"AWS_LAMBDA_FUNCTION_NAME":        "function",
		"AWS_LAMBDA_FUNCTION_VERSION":     "$LATEST",
		"AWS_LAMBDA_INITIALIZATION_TYPE":  "on-demand",
		"AWS_LAMBDA_LOG_FORMAT":           "Text",
		"AWS_LAMBDA_LOG_GROUP_NAME":       "/aws/lambda/function",
		"AWS_LAMBDA_LOG_STREAM_NAME":      "2026/01/01/[$LATEST]0123456789abcdef0123456789abcdef",
		"AWS_REGION":                      "us-east-1",
		"AWS_SECRET_ACCESS_KEY":           "example",
		"AWS_SESSION_TOKEN":               "example",
		"LAMBDA_RUNTIME_DIR":              "/var/runtime",
		"LAMBDA_TASK_ROOT":                root,
		"LANG":                            "en_US.UTF-8",
		"TZ":                              ":UTC",
	}
}

// complete checks the configuration and fills what it leaves open.
func (c Config) complete() (Config, error) {
	if _, given := c.Env[runtimeAPI]; given {
		return c, fmt.Errorf("runtimetest: %s is set by this package; leave it out of Env", runtimeAPI)
	}
	path, err := filepath.Abs(c.Path)
	if err != nil {
		return c, fmt.Errorf("runtimetest: resolve %s: %w", c.Path, err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return c, fmt.Errorf("runtimetest: look for the function: %w", err)
	}
	if !info.Mode().IsRegular() || info.Mode()&0o111 == 0 {
		return c, fmt.Errorf("runtimetest: %s is not an executable file", path)
	}
	c.Path, c.Env = path, maps.Clone(c.Env)
	if c.Timeout == 0 {
		c.Timeout = 3 * time.Second
	}
	if c.InitTimeout == 0 {
		c.InitTimeout = 10 * time.Second
	}
	return c, nil
}

// environ is the whole environment of one process.
func (c Config) environ(root, api string) []string {
	vars := reserved(root)
	maps.Copy(vars, c.Env)
	vars[runtimeAPI] = api
	environ := make([]string, 0, len(vars))
	for name, value := range vars {
		environ = append(environ, name+"="+value)
	}
	slices.Sort(environ)
	return environ
}

// arn is the function's own ARN, in the account of AWS's examples.
func (c Config) arn() string {
	vars := reserved("")
	maps.Copy(vars, c.Env)
	return "arn:aws:lambda:" + vars["AWS_REGION"] + ":123456789012:function:" + vars["AWS_LAMBDA_FUNCTION_NAME"]
}
