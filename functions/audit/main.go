// Command audit is the audit function: a Lambda on a schedule that reports the API
// tokens of a Databrain instance that are older than a policy allows.
package main

import (
	"os"

	"databrain-rotation/pkg/bootstrap"
)

// version is set by the build (-X main.version).
var version = "dev"

func main() {
	os.Exit(bootstrap.Run(os.Getenv, os.Stdout, version, setUp))
}
