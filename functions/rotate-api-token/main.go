// Command rotate-api-token is the rotation function of many secrets: a Lambda that
// Secrets Manager calls to rotate the API tokens of Databrain's data apps.
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
