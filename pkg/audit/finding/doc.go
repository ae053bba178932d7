// Package finding judges the API tokens of a Databrain instance by a policy. It has no
// I/O: tokens, policy, coverage and one instant go in, findings come out, and a
// snapshot carries them from run to run.
package finding
