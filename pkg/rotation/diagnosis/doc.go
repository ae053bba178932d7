// Package diagnosis answers what is wrong with a rotated secret and what to do about
// it, without writing anything: {"diagnose":"<secret name or ARN>"} in place of the
// event of a rotation.
//
// The parts follow one another. A [Diagnoser] looks: it reads the secret, asks
// Databrain about each token, and signs in as the admin once. [Predict] finds out
// from the tables of the rotation's own plan what the next rotation would come to.
// [Judge] says what is wrong and what to do. [Report.Render] puts it into words for
// people. All but the first are pure.
//
// The [Diagnoser] holds no client that could write to Secrets Manager, and no value
// that it reads leaves it: tokens are known by label, version and fingerprint.
package diagnosis
