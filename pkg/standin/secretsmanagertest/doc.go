// Package secretsmanagertest is a stand-in of AWS Secrets Manager at the wire:
// an [http.Handler] that speaks the service's JSON 1.1 protocol, so that the real
// SDK client and the AWS CLI work against it, and a driver that plays what Secrets
// Manager does around a rotation function.
//
//	sm := secretsmanagertest.New(secretsmanagertest.Config{})
//	client := secretsmanager.New(secretsmanager.Options{
//		BaseEndpoint: aws.String("http://secretsmanager.test"),
//		HTTPClient:   sm.Client(),
//		...
//	})
//
// It keeps what a rotation depends on and what mocks tend to leave out:
//
//   - a staging label is on one version only, and AWSPREVIOUS follows AWSCURRENT
//     by itself (API reference, UpdateSecretVersionStage);
//   - a rotation begins with a version that carries AWSPENDING and has no value
//     (API reference, DescribeSecret, VersionIdsToStages);
//   - PutSecretValue accepts the same ClientRequestToken with the same bytes again
//     and refuses it with others, and moves AWSCURRENT at once when no stages are
//     named (API reference, PutSecretValue);
//   - creating a version by hand during a rotation takes AWSPENDING away from the
//     rotation's version (user guide, "Log Secrets Manager events with AWS
//     CloudTrail", RotationAbandoned);
//   - a rotation that fails begins again at createSecret with the same
//     ClientRequestToken (user guide, "Rotation by Lambda function").
//
// Where the pages are silent, the comments say which way was chosen. The package
// conformance holds these rules as tests that run against any endpoint.
//
// # Faults
//
// [standin.Wire.Inject] schedules errors, cut connections and hangs, before or after
// the call took effect; the target of a call is the secret's name.
// [Server.SetReadLag] hides a new version from readers for a while. In a
// testing/synctest bubble make the Server inside the bubble and use it in process.
//
// # Rotation
//
// [Server.SetRotationFunction] attaches the function that a Lambda ARN stands for.
// RotateSecret over the wire returns at once and drives it in the background, as
// AWS does; [Server.Rotate] and [Server.Preflight] drive it synchronously and report
// every invocation.
package secretsmanagertest
