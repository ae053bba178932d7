// Package report writes the findings of an audit: events, the summary of a run, and
// the report as HTML, CSV, JSON and OCSF. It has no I/O but the writers it is given.
package report
