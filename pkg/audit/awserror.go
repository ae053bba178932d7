package audit

import (
	"context"
	"errors"

	"github.com/aws/smithy-go"
)

// awsCause says in a word or two why a call of an AWS service failed.
func awsCause(err error) string {
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return e.ErrorCode()
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "no answer in time"
	}
	return "no answer"
}
