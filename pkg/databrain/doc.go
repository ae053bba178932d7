// Package databrain is a client of the v2 REST API of a self-hosted Databrain
// instance, as far as token rotation and token audits need it.
//
// Four credentials exist, all sent as "Authorization: Bearer": the admin's JWT
// (from [Client.SignIn]), the one service token of the organisation (a UUID,
// saved by [Client.SaveServiceToken]), the API tokens of the data apps, and
// guest tokens, which this package does not touch. Credentials travel as
// [Secret], which nothing prints.
//
// # Failures
//
// The API's status codes cannot be trusted alone: "not found" and "conflict"
// come as 400, "wrong kind of deployment" as 500, and error codes as
// INVALID_REQUEST_BODY, "INVALID REQUEST BODY" or "Invalid credentials". So every
// answer is classified once, from its status and its error code together, into an
// [Error] that says two things: its [Class], and whether the request took effect.
//
//	err == nil                 applied
//	!Unknown(err)              not applied: the instance refused, or was not reached
//	Unknown(err)               a lost answer: the request may have taken effect
//
// Nothing is retried here and redirects are not followed: whether a request may
// be repeated is the caller's knowledge. (Beneath, net/http repeats a read whose
// kept-alive connection proves dead; it never repeats a rotation.)
//
// The documentation of the API is at
// https://docs.usedatabrain.com/developer-docs/helpers/api-reference, called
// {docs} below.
package databrain
