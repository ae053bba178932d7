// Package template holds the tests of template.yaml: it has no code but tests.
//
// They read the template as CloudFormation would, with parameters filled in and
// conditions decided, and check what a security review asks for: who may do what,
// what outlives the stack, what raises an alarm, what is refused at deploy time.
// Each check is also shown the template with one thing broken, and must notice.
//
// cfn-lint and the SAM CLI check the form of the template; these tests check its
// meaning and need neither.
package template
