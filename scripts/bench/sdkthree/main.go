// Command sdkthree is sdkonly with the clients of S3 and EventBridge beside that of
// Secrets Manager, as the audit has them. It calls the same operation. The packages of
// the two clients prepare themselves before main runs, and that is most of what a cold
// start of the audit takes beyond the floor.
package main

import (
	"context"
	"log"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

type event struct {
	SecretID string `json:"SecretId"`
	Store    bool   // never set; S3 and EventBridge are linked in for it
}

func main() {
	sdk, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	secrets, store, bus := secretsmanager.NewFromConfig(sdk), s3.NewFromConfig(sdk), eventbridge.NewFromConfig(sdk)
	lambda.Start(func(ctx context.Context, e event) error {
		if e.Store {
			_, err := store.PutObject(ctx, &s3.PutObjectInput{})
			if err == nil {
				_, err = bus.PutEvents(ctx, &eventbridge.PutEventsInput{})
			}
			return err
		}
		_, err := secrets.DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: &e.SecretID})
		return err
	})
}
