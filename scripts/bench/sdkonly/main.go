// Command sdkonly is the least that a Lambda function in Go can be that talks to
// Secrets Manager: the SDK as its documentation shows it, and one call for each
// invocation. It is the floor that the bench measures the real functions against.
package main

import (
	"context"
	"log"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

type event struct {
	SecretID string `json:"SecretId"`
}

func main() {
	sdk, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	client := secretsmanager.NewFromConfig(sdk)
	lambda.Start(func(ctx context.Context, e event) error {
		_, err := client.DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: &e.SecretID})
		return err
	})
}
