// Package databraintest is a stand-in of a self-hosted Databrain at the wire:
// admin sign-in, service tokens, data apps, API tokens and health, with the
// answers of Databrain's public reference, odd codes included.
//
// The zero [Config] is the documentation's own example: one admin, one service
// token, the data apps "Customer Portal Analytics" (with three API tokens) and
// "Partner Dashboard". Use it in process, also inside a testing/synctest bubble,
//
//	db := databraintest.New(databraintest.Config{})
//	client := db.Client() // any host in the URL reaches db
//
// or over a loopback socket with [Server.Start]. It shares no code with the client
// that is tested against it, so the two cannot agree on a mistake.
//
// # What is known and what is not
//
// Comments below name their source as a page of
// https://docs.usedatabrain.com/developer-docs/helpers/api-reference, written
// {REF}. What no page says is marked "inferred, not documented"; where two
// answers are plausible, a field of [Switches] picks one, and a client has to
// survive both. Where a page gives a code without its text, the text is the code
// itself, as it is on the pages that show both: nothing should depend on it.
//
// # Faults
//
// [standin.Wire.Inject] breaks chosen requests before or after they take effect: see
// [standin.Fault]. The operation of a call is its method, its target the path
// without [Config.PathPrefix] and in the spelling /api/v2/data-app. Faults act alike
// in process and on a socket, with one difference that lies with the client: on a
// socket net/http repeats a GET by itself when a reused connection dies before its
// first byte.
//
// # Secrets
//
// The stand-in holds made-up credentials only. Its request log keeps no header
// and no body.
package databraintest
