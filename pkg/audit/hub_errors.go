package audit

import (
	"errors"
	"net"
	"net/http"
	"strings"

	"github.com/aws/smithy-go"

	"databrain-rotation/pkg/audit/finding"
	"databrain-rotation/pkg/audit/report"
	"databrain-rotation/pkg/transport"
)

// hubFailure is why findings were not imported, and what an operator does about it.
type hubFailure struct{ Why, Do string }

func (e *hubFailure) Error() string { return e.Why }

// invalidAccess is the code of a finding that was refused because Security Hub is switched
// off (https://docs.aws.amazon.com/securityhub/latest/userguide/finding-update-batchimportfindings.html);
// a call that is refused as a whole has InvalidAccessException.
const invalidAccess = "InvalidAccess"

// hubCode returns the code that Security Hub gave; "" if it did not answer.
func hubCode(err error) string {
	if r, ok := errors.AsType[*refusal](err); ok {
		return r.ErrorCode
	}
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return e.ErrorCode()
	}
	return ""
}

// aboutContent reports whether a call was refused for the findings in it.
func aboutContent(err error) bool {
	switch hubCode(err) {
	case "InvalidInputException", "ValidationException":
		return true
	}
	return httpStatus(err) == http.StatusRequestEntityTooLarge
}

// hopeless reports whether the same import would fail again within a run: an operator has
// to act first.
func hopeless(err error) bool {
	code := hubCode(err)
	if strings.HasPrefix(code, invalidAccess) || strings.HasPrefix(code, "AccessDenied") {
		return true
	}
	_, unknown := errors.AsType[*net.DNSError](err)
	return unknown || httpStatus(err) == http.StatusForbidden
}

// hubFailed explains why findings were not imported.
func hubFailed(err error, p report.Product) *hubFailure {
	place := "in account " + p.Account + ", region " + p.Region
	switch code := hubCode(err); {
	case strings.HasPrefix(code, invalidAccess):
		return &hubFailure{
			code + ": Security Hub is switched off " + place,
			"Switch it on there (aws securityhub enable-security-hub --region " + p.Region + "), " + orSwitchOff,
		}
	case strings.HasPrefix(code, "AccessDenied"), strings.HasPrefix(code, noCode+"403"):
		return &hubFailure{
			code + ": the function's role may not import findings (securityhub:BatchImportFindings on " + p.ARN() + ")",
			"Deploy the stack with the parameter AuditSecurityHub, and look for a policy of the organization or of a VPC " +
				"endpoint that denies it, " + orSwitchOff,
		}
	case httpStatus(err) == http.StatusTooManyRequests, strings.Contains(code, "Throttl"),
		code == "LimitExceededException":
		return &hubFailure{
			code + ": Security Hub throttles the imports " + place,
			"Find out what else imports at that time. The next run imports what is missing.",
		}
	case code != "":
		return &hubFailure{hubText(err), "The next run imports what is missing."}
	}
	why := transport.Cause(err).Error()
	if _, odd := errors.AsType[*smithy.DeserializationError](err); odd {
		why = "what answers is not Security Hub"
	}
	return &hubFailure{
		"no answer: " + why,
		"Check that region " + p.Region + " has Security Hub and that the function reaches it (in a VPC: an endpoint of " +
			"com.amazonaws." + p.Region + ".securityhub, or NAT), " + orSwitchOff,
	}
}

const orSwitchOff = "or set the parameter AuditSecurityHub to false."

// hubText returns what Security Hub said.
func hubText(err error) string {
	if r, ok := errors.AsType[*refusal](err); ok {
		return r.Error()
	}
	e, _ := errors.AsType[smithy.APIError](err)
	return e.ErrorCode() + ": " + fitMessage(e.ErrorMessage())
}

// fitMessage returns the beginning of a text that Security Hub wrote.
func fitMessage(text string) string {
	const most = 300
	text = finding.Plain(text)
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}
