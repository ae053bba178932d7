// Package audit finds the API tokens of a Databrain instance that are older than
// a policy allows, and says so: as events, as a metric line, as reports.
//
// A run has three parts, kept apart so that each can be tested by itself:
//
//   - collect reads the instance: the list of data apps, then the tokens of each.
//     It retries, keeps to a rate, and turns what it could not read into gaps.
//   - evaluate is pure: tokens, policy and one instant in, findings out. It takes
//     token by token, so that memory does not grow with their number.
//   - emit writes the outcome: events to EventBridge, reports and the state for
//     the next run to S3, one metric line.
//
// Two rules go through all of it. What could not be read never looks clean: it is
// a finding, an event and a count, and it resolves nothing. And a key never
// leaves the decoder of the client: everything here knows a token by its
// fingerprint.
package audit
