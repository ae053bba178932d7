// Package collect reads a Databrain instance for an audit: the list of the data apps,
// then the API tokens of each app.
package collect
