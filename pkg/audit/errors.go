package audit

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"syscall"

	"github.com/aws/smithy-go"

	"databrain-rotation/pkg/audit/finding"
)

// RunFailed is the error of a run that could not read what every other step needs.
// What it could, it has read and sent all the same.
type RunFailed struct {
	Tried string
	Err   error
	Do    string // what an operator does about it, in sentences
}

func (e *RunFailed) Error() string {
	return fmt.Sprintf(
		"audit failed to %s: %s. Nothing was changed in Databrain, and what was not read does not count as clean. %s",
		e.Tried,
		strings.TrimSuffix(e.Err.Error(), "."),
		e.Do,
	)
}

// Unwrap returns what went wrong.
func (e *RunFailed) Unwrap() error { return e.Err }

// EmissionFailed is the error of a run whose outcome could not be sent or stored in
// full. If events were lost, the state for the next run is kept back, so that the next
// run sends them as this one would have.
type EmissionFailed struct {
	Failures int
	First    string // what was not written, and why
	Do       string // what an operator does about the first, in sentences; "" for the general advice
}

func (e *EmissionFailed) Error() string {
	do := e.Do
	if do == "" {
		do = "Check the policies of the event bus and of the bucket, what the function's role may do, " +
			"and whether a report fits into the function's /tmp (EphemeralStorage in the template)."
	}
	return fmt.Sprintf("audit: not written: %s; %d events, reports, imports or states in all. "+
		`The rest was written, and nothing was changed in Databrain. The log names each ("not written"). `+
		"%s Then run the audit again, which sends what was lost.", e.First, e.Failures, do)
}

// policyFailed is a run without its policy, which came from S3.
func policyFailed(err error) *RunFailed {
	do := "Check that the function reaches S3 (in a VPC: an endpoint or NAT), then run the audit again."
	_, invalid := errors.AsType[*finding.InvalidPolicy](err)
	switch status := httpStatus(err); {
	case invalid:
		do = "Correct the policy, then run the audit again."
	case status == http.StatusNotFound:
		do = "Put the policy there, or correct AUDIT_POLICY (parameter AuditPolicyObject)."
	case status == http.StatusForbidden:
		do = "Check that the policy is there, and that the function's role may read it and use its key."
	}
	return &RunFailed{"read its policy", err, do}
}

// whichToken does not advise a rotation: that of a secret without a token would end the
// token in use.
const whichToken = "the stack's output DiagnoseCommand says how, or scripts/secret.sh which."

// tokenFailed is a run without the service token.
func tokenFailed(err error) *RunFailed {
	do := "Store the token in use there: " + whichToken
	if _, asked := errors.AsType[*smithy.OperationError](err); asked {
		do = "Check that the function reaches Secrets Manager (in a VPC: an endpoint or NAT), then run the audit again."
	}
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		switch e.ErrorCode() {
		case "ResourceNotFoundException":
			do = "Correct DATABRAIN_SERVICE_TOKEN_SECRET_ID (parameter TokenSecretArn), " +
				"or find out why none of its versions has the label: " + whichToken
		case "InvalidRequestException":
			do = "If the secret is scheduled for deletion, restore it: aws secretsmanager restore-secret."
		case "AccessDeniedException", "DecryptionFailure":
			do = "Check that the function's role may read the secret and use its key, and that the key is enabled."
		}
	}
	return &RunFailed{"read the service token", err, do}
}

// listFailed is a run that could not list the data apps.
func listFailed(err error, gap *finding.Gap) *RunFailed {
	do, _ := gap.Remedy()
	return &RunFailed{"list the data apps", err, do}
}

// awsCause returns in a few words why a call of an AWS service failed, or the temporary
// file before it.
func awsCause(err error) string {
	for _, full := range []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG} {
		if errors.Is(err, full) {
			return "it does not fit on the disk, /tmp (" + full.Error() + ")"
		}
	}
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return e.ErrorCode()
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "no answer in time"
	}
	if _, asked := errors.AsType[*smithy.OperationError](err); asked {
		return "no answer"
	}
	return err.Error()
}
