// Command secret does what an operator has to do with the two secrets by hand. It
// asks Databrain before it writes and stops at whatever it could not read.
//
//	which SECRET               show which versions hold a token that works
//	store-token SECRET         store the token in use, read from standard input
//	store-admin SECRET EMAIL   store the admin's password, read from standard input
//	drop-pending SECRET        take AWSPENDING off a version that nobody needs
//
// DATABRAIN_BASE_URL names the instance; AWS's settings are those of the AWS CLI.
// No credential is an argument: other users of the machine see those, and shells
// keep them.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/smithy-go"

	"databrain-rotation/pkg/databrain"
	"databrain-rotation/pkg/settings"
	"databrain-rotation/scripts/console"
)

const usage = `usage, with DATABRAIN_BASE_URL as the address of the instance:
  secret.sh which SECRET               show which versions hold a token that works
  secret.sh store-token SECRET         store the token in use, from a prompt or a pipe
  secret.sh store-admin SECRET EMAIL   store the admin's password, from a prompt or a pipe
  secret.sh drop-pending SECRET        take AWSPENDING off a version that nobody needs`

func main() {
	if err := run(context.Background(), os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "secret:", err)
		os.Exit(1)
	}
}

// operator acts for the person at the terminal. Results go to out; prompts and
// explanations go to notes.
type operator struct {
	secrets    *secretsmanager.Client
	databrain  *databrain.Client
	instance   *url.URL
	in         *bufio.Reader
	out, notes io.Writer
}

func run(ctx context.Context, args []string, getenv func(string) string, in io.Reader, out, notes io.Writer) error {
	verbs := map[string]struct {
		args int
		do   func(*operator, context.Context, []string) error
	}{
		"which":        {1, (*operator).which},
		"store-token":  {1, (*operator).storeToken},
		"store-admin":  {2, (*operator).storeAdmin},
		"drop-pending": {1, (*operator).dropPending},
	}
	if len(args) == 0 {
		return errors.New(usage)
	}
	verb, known := verbs[args[0]]
	if args = args[1:]; !known || len(args) != verb.args {
		return errors.New(usage)
	}
	for _, arg := range args {
		if arg == "" || strings.HasPrefix(arg, "-") {
			return fmt.Errorf("an argument is empty or looks like an option; nothing was done\n%s", usage)
		}
	}
	r := &settings.Reader{Getenv: getenv}
	instance := r.Instance()
	if err := r.Err(); err != nil {
		return err
	}
	aws, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return fmt.Errorf("AWS settings: %w", err)
	}
	return verb.do(&operator{
		secrets: secretsmanager.NewFromConfig(aws), databrain: databrain.New(instance, databrain.Options{}),
		instance: instance, in: bufio.NewReader(in), out: out, notes: notes,
	}, ctx, args)
}

// ask asks for what is to be stored.
func (o *operator) ask(what string, sound func(string) bool) (string, error) {
	line, err := console.Ask(o.in, o.notes, what, sound)
	if err != nil {
		return "", fmt.Errorf("%w; nothing was stored", err)
	}
	return line, nil
}

// failed explains the failure of a call of Secrets Manager. Validation errors quote
// the value that was sent, so their messages are left out.
func failed(doing string, err error) error {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return fmt.Errorf("%s: Secrets Manager did not answer: %w", doing, err)
	}
	switch code := api.ErrorCode(); code {
	case "ValidationException", "InvalidParameterException", "SerializationException":
		return fmt.Errorf("%s: %s", doing, code)
	default:
		return fmt.Errorf("%s: %s: %s", doing, code, api.ErrorMessage())
	}
}
