package audit

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"golang.org/x/time/rate"

	"databrain-rotation/pkg/audit/collect"
)

// HubClient makes the one call of Security Hub that the audit needs, BatchImportFindings
// (https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_BatchImportFindings.html).
// The SDK's own client for it would add 1.8 MB to a program of 20, and its set-up to
// every cold start. Retries, time-outs, credentials and endpoint are those of the SDK's other clients.
type HubClient struct {
	endpoint    string
	region      string
	credentials aws.CredentialsProvider
	http        secretsmanager.HTTPClient
	retryer     aws.Retryer
	userAgent   string
	signer      *v4.Signer
	pace        *rate.Limiter
	now         func() time.Time
}

// hubCallsPerSecond is what Security Hub takes in an account and region, less its burst
// (https://docs.aws.amazon.com/securityhub/latest/partnerguide/guidelines-batchimportfindings.html).
const hubCallsPerSecond = 10

// NewHubClient returns a client with the settings of sdk; now dates the signatures.
func NewHubClient(sdk aws.Config, now func() time.Time) (*HubClient, error) {
	options := secretsmanager.NewFromConfig(sdk).Options()
	endpoint, err := hubEndpoint(sdk, options)
	if err != nil {
		return nil, fmt.Errorf("find the address of Security Hub: %w", err)
	}
	agent := "aws-sdk-go-v2/" + aws.SDKVersion + " api/securityhub"
	if options.AppID != "" {
		agent += " app/" + options.AppID
	}
	return &HubClient{
		endpoint: endpoint, region: sdk.Region, credentials: options.Credentials, http: options.HTTPClient,
		retryer: options.Retryer, userAgent: agent, signer: v4.NewSigner(),
		pace: rate.NewLimiter(hubCallsPerSecond, 1), now: now,
	}, nil
}

// hubEndpoint returns AWS_ENDPOINT_URL_SECURITYHUB, AWS_ENDPOINT_URL, or the address in the
// region, which differs by its first word from the address of Secrets Manager.
func hubEndpoint(sdk aws.Config, options secretsmanager.Options) (string, error) {
	for _, source := range sdk.ConfigSources {
		s, ok := source.(interface {
			GetServiceBaseEndpoint(context.Context, string) (string, bool, error)
		})
		if !ok {
			continue
		}
		if url, found, err := s.GetServiceBaseEndpoint(context.Background(), "SecurityHub"); err != nil || found {
			return strings.TrimSuffix(url, "/"), err
		}
	}
	if sdk.BaseEndpoint != nil {
		return strings.TrimSuffix(*sdk.BaseEndpoint, "/"), nil
	}
	fips := options.EndpointOptions.UseFIPSEndpoint == aws.FIPSEndpointStateEnabled
	near, err := secretsmanager.NewDefaultEndpointResolverV2().ResolveEndpoint(context.Background(),
		secretsmanager.EndpointParameters{Region: &sdk.Region, UseFIPS: &fips})
	if err != nil {
		return "", err
	}
	return near.URI.Scheme + "://" + strings.Replace(near.URI.Host, "secretsmanager", "securityhub", 1), nil
}

// refusal is a finding that Security Hub did not take.
type refusal struct{ Id, ErrorCode, ErrorMessage string }

func (r *refusal) Error() string {
	return "finding " + r.Id + " was refused: " + r.ErrorCode + ": " + fitMessage(r.ErrorMessage)
}

// importFindings makes the call for batch and repeats it as the SDK would. The error is a
// [*smithy.OperationError].
func (c *HubClient) importFindings(ctx context.Context, batch []encoded) (refused []refusal, err error) {
	body := body(batch)
	for attempt := 1; ; attempt++ {
		if !collect.Pause(ctx, c.pace.Reserve().Delay()) {
			err = context.Cause(ctx)
			break
		}
		var answer []byte
		if answer, err = c.once(ctx, body); err == nil {
			refused, err = readImport(answer, batch)
		}
		if err == nil {
			return refused, nil
		}
		if most := c.retryer.MaxAttempts(); most > 0 && attempt >= most || !c.retryer.IsErrorRetryable(err) {
			break
		}
		delay, stop := c.retryer.RetryDelay(attempt, err)
		if stop != nil || !collect.Pause(ctx, delay) {
			break
		}
	}
	return nil, &smithy.OperationError{ServiceID: "SecurityHub", OperationName: "BatchImportFindings", Err: err}
}

// once returns the answer to one call.
func (c *HubClient) once(ctx context.Context, body []byte) (answer []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint+"/findings/import", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", c.userAgent)
	keys, err := c.credentials.Retrieve(ctx)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(body)
	err = c.signer.SignHTTP(ctx, keys, req, hex.EncodeToString(sum[:]), "securityhub", c.region, c.now())
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, &smithyhttp.RequestSendError{Err: err}
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(resp.Body, maxHubAnswer))
	if err != nil {
		return nil, &smithyhttp.RequestSendError{Err: err}
	}
	if resp.StatusCode/100 != 2 {
		return nil, &smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: resp}, Err: hubError(resp, answer)}
	}
	return answer, nil
}

// maxHubAnswer holds a refusal of a hundred findings, each with a long text.
const maxHubAnswer = 1 << 20

// readImport returns the findings that an answer refuses. An answer that does not count
// each finding of batch as taken or refused, or refuses another, is an error: nobody knows
// then what was taken.
func readImport(answer []byte, batch []encoded) ([]refusal, error) {
	var out struct {
		FailedCount, SuccessCount int
		FailedFindings            []refusal
	}
	sent := make(map[string]int, len(batch))
	for _, e := range batch {
		sent[e.finding.ID]++
	}
	err := json.Unmarshal(answer, &out)
	believed := err == nil && out.FailedCount == len(out.FailedFindings) && out.SuccessCount+out.FailedCount == len(batch)
	for _, r := range out.FailedFindings {
		believed = believed && sent[r.Id] > 0
		sent[r.Id]--
	}
	if !believed {
		return nil, &smithy.DeserializationError{Err: errors.New("the answer is not one of BatchImportFindings")}
	}
	return out.FailedFindings, nil
}

// noCode begins the code of an answer that has none, such as a page of a proxy.
const noCode = "HTTP status "

// hubError returns the error that an answer tells of: its code is in a header or in the
// body (https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html#operation-error-serialization).
func hubError(resp *http.Response, answer []byte) error {
	var body struct {
		Code    string `json:"code"`
		Type    string `json:"__type"`
		Message string `json:"message"`
	}
	_ = json.Unmarshal(answer, &body)
	e := &smithy.GenericAPIError{Message: body.Message, Code: noCode + resp.Status}
	for _, code := range []string{body.Type, body.Code, resp.Header.Get("X-Amzn-ErrorType")} {
		code, _, _ = strings.Cut(code, ":")
		if code = code[strings.LastIndex(code, "#")+1:]; code != "" {
			e.Code = code
		}
	}
	return e
}
