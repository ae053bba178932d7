// Package audit finds the API tokens of a Databrain instance that are older than a
// policy allows, and reports them as events, as a metric line and as files.
//
// This package acts: it reads the policy and the secret, sends events to EventBridge,
// and keeps reports and the state for the next run in S3. The other three parts of a
// run are packages of their own, each of which can be tested by itself:
//
//   - collect reads the instance: the list of data apps, then the tokens of each. It
//     retries, keeps to a rate, and turns what it could not read into gaps.
//   - finding is pure. It judges tokens by a policy at one instant, and compares the
//     findings with those of the last run. It takes token by token, so that memory
//     does not grow with their number.
//   - report writes findings: events, the summary, HTML, CSV, JSON, OCSF.
//
// Two rules hold in all of them. A part of the instance that could not be read never
// looks clean: it is a finding, an event and a count, and it resolves nothing. And a
// key never leaves the decoder of the client: the audit knows a token by its
// fingerprint.
package audit
