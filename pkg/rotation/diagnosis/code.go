package diagnosis

import "databrain-rotation/pkg/rotation"

// Code names a problem. The runbook has a row for each.
type Code string

// The codes, in the order in which the problems are repaired as a rule.
const (
	RequestMalformed   Code = "request-malformed"
	SecretNotFound     Code = "secret-not-found"
	SecretUnreadable   Code = "secret-unreadable"
	SecretOfOtherKind  Code = "secret-of-another-kind"
	SecretDeleted      Code = "secret-deleted"
	SecretIsReplica    Code = "secret-is-replica"
	AdminIsRotated     Code = "admin-secret-is-rotated-secret"
	BaseURLWrong       Code = "base-url-wrong"
	InstanceSilent     Code = "instance-no-answer"
	InstanceAcceptsAny Code = "instance-accepts-anything"
	CurrentRejected    Code = "current-rejected"
	CurrentEmpty       Code = "current-empty"
	CurrentMalformed   Code = "current-malformed"
	CurrentUnreadable  Code = "current-unreadable"
	CurrentSilent      Code = "current-no-answer"
	AdminRefused       Code = "admin-refused"
	AdminRefusedByKind Code = "admin-cannot-save"
	AdminMalformed     Code = "admin-malformed"
	AdminUnreadable    Code = "admin-unreadable"
	AdminSilent        Code = "admin-no-answer"
	PendingMalformed   Code = "pending-malformed"
	PendingUnreadable  Code = "pending-unreadable"
	PendingSilent      Code = "pending-no-answer"
	PendingSame        Code = "pending-equals-current"
	Unfinished         Code = "rotation-unfinished"
	ServiceSame        Code = "service-token-secret-is-rotated-secret"
	ServiceUnreadable  Code = "service-token-unreadable"
	ServiceMalformed   Code = "service-token-malformed"
	ServiceRejected    Code = "service-token-rejected"
	KeyIsServiceToken  Code = "service-token-as-key"
	DataAppMissing     Code = "data-app-not-found"
	KeyInOtherApp      Code = "key-in-other-app"
	KeyNotListed       Code = "key-not-listed"
	KeyNoneWorks       Code = "no-key-works"
	KeyAmbiguous       Code = "key-ambiguous"
	KeyReplaced        Code = "key-replaced"
	ListUnreadable     Code = "list-unreadable"
	OutlookUnknown     Code = "next-rotation-unknown"
	RotationOff        Code = "rotation-off"
	RotationOverdue    Code = "rotation-overdue"
)

// Codes returns all codes, in the order of their repair.
func Codes() []Code {
	return []Code{
		RequestMalformed, SecretNotFound, SecretUnreadable, SecretOfOtherKind, SecretDeleted, SecretIsReplica, AdminIsRotated,
		BaseURLWrong, InstanceSilent, InstanceAcceptsAny,
		CurrentRejected, CurrentEmpty, CurrentMalformed, CurrentUnreadable, CurrentSilent,
		AdminRefused, AdminRefusedByKind, AdminMalformed, AdminUnreadable, AdminSilent,
		ServiceSame, ServiceUnreadable, ServiceMalformed, ServiceRejected, KeyIsServiceToken,
		DataAppMissing, KeyInOtherApp,
		KeyNotListed, KeyNoneWorks, KeyAmbiguous, KeyReplaced, ListUnreadable, OutlookUnknown,
		PendingMalformed, PendingUnreadable, PendingSilent, PendingSame, Unfinished, RotationOff, RotationOverdue,
	}
}

// codeOfKey are the errors of API tokens that a diagnosis finds by asking the rotation.
var codeOfKey = map[rotation.Name]Code{
	rotation.ServiceTokenSecretIsRotatedSecret: ServiceSame,
	rotation.MalformedServiceTokenSecret:       ServiceMalformed,
	rotation.ServiceTokenRejected:              ServiceRejected,
	rotation.ServiceTokenAsKey:                 KeyIsServiceToken,
	rotation.DataAppNotFound:                   DataAppMissing,
	rotation.APITokenInOtherApp:                KeyInOtherApp,
	rotation.APITokenNotListed:                 KeyNotListed,
	rotation.APITokenRejected:                  KeyNoneWorks,
	rotation.APITokenAmbiguous:                 KeyAmbiguous,
	rotation.APITokenListUnreadable:            ListUnreadable,
}

// OfError returns the codes of which a diagnosis has one after an error of the rotation,
// while its cause lasts. An error that lies in an event or in a moment leaves no more
// than Unfinished, and not even that where the secret is as it was. It returns nil for a
// name that it does not know.
func OfError(name rotation.Name) []Code {
	switch name {
	case rotation.SecretDeleted:
		return []Code{SecretDeleted}
	case rotation.SecretIsReplica:
		return []Code{SecretIsReplica}
	case rotation.RotationNotEnabled:
		return []Code{RotationOff}
	case rotation.MalformedSecret:
		return []Code{CurrentMalformed, PendingMalformed, CurrentEmpty}
	case rotation.PendingEqualsCurrent:
		return []Code{PendingSame}
	case rotation.MalformedAdminSecret:
		return []Code{AdminMalformed}
	case rotation.AdminSecretIsRotatedSecret:
		return []Code{AdminIsRotated}
	case rotation.AdminSignInRefused:
		return []Code{AdminRefused}
	case rotation.CurrentTokenMissing:
		return []Code{CurrentEmpty}
	case rotation.CurrentTokenRejected:
		return []Code{CurrentRejected}
	case rotation.DatabrainUnavailable:
		return []Code{BaseURLWrong, InstanceSilent, CurrentRejected, CurrentSilent, AdminSilent, PendingSilent,
			OutlookUnknown, Unfinished}
	case rotation.DatabrainRefused:
		return []Code{AdminRefusedByKind, AdminSilent, Unfinished}
	case rotation.SecretsManagerFailed:
		return []Code{SecretNotFound, SecretUnreadable, CurrentUnreadable, AdminUnreadable, PendingUnreadable,
			ServiceUnreadable, OutlookUnknown, Unfinished}
	case rotation.LabelMoved, rotation.PendingTokenRejected:
		return []Code{Unfinished, OutlookUnknown}
	case rotation.MalformedEvent, rotation.UnknownStep, rotation.VersionUnknown, rotation.VersionNotPending,
		rotation.PendingValueMissing, rotation.OutOfTime, rotation.GraceContractMismatch,
		rotation.APITokenContractMismatch, rotation.APITokenInGrace:
		return []Code{Unfinished}
	}
	if code := codeOfKey[name]; code != "" {
		return []Code{code, Unfinished}
	}
	return nil
}
