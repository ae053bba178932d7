// Package drift holds tests that tie the module's parts together where the
// compiler does not: the README to the code, and the packages to the rules that
// keep them apart. It has no code but tests.
package drift
