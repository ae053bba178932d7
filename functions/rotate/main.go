// Command rotate is the rotation function: a Lambda that Secrets Manager calls to
// rotate the service token of a Databrain instance.
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
