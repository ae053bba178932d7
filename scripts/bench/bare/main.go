// Command bare is the least that a Lambda function in Go can be: the runtime
// client and a handler that does nothing. The bench measures the real functions
// beside it.
package main

import (
	"context"
	"encoding/json"

	"github.com/aws/aws-lambda-go/lambda"
)

func main() {
	lambda.Start(func(context.Context, json.RawMessage) (any, error) { return nil, nil })
}
