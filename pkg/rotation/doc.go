// Package rotation rotates the service token of a Databrain instance, and the API tokens
// of its data apps, as rotation functions of AWS Secrets Manager ("Rotation by Lambda
// function", AWS Secrets Manager user guide).
//
// Secrets Manager calls the four steps createSecret, setSecret, testSecret and
// finishSecret, each as an invocation of its own, and after any failure starts
// again from createSecret with the same ClientRequestToken. So each step may run
// any number of times, after a crash at any point of any other, and must converge.
//
// The order of writes is what makes that possible: the new token is stored in the
// version labelled AWSPENDING before Databrain hears of it. That version is the
// write-ahead log; a lost answer cannot lose the token, since the same value can
// be sent again. Where Databrain makes the token there is a gap: by the grace strategy,
// see [Grace], and for API tokens, see [PlanLostAnswer].
//
// plan.go holds the decisions as pure functions, one for each table of states;
// the step files look, ask the plan, and act. Calls that need nothing of each other are
// made at the same time, and their answers are judged in a fixed order; see opening.go.
package rotation
