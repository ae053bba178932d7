package databrain_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/google/uuid"

	"databrain-rotation/pkg/databrain"
	"databrain-rotation/pkg/standin/databraintest"
)

// A stand-in of the instance takes the place of
// https://databrain.example.com in the examples.
func instance() *databrain.Client {
	base, err := databrain.ParseBaseURL("https://databrain.example.com", false)
	if err != nil {
		log.Fatal(err)
	}
	standIn := databraintest.New(databraintest.Config{})
	return databrain.New(base, databrain.Options{Transport: standIn.Client().Transport})
}

// Replacing the service token: choose a value, keep it where it cannot be lost,
// and only then make it the token. Whatever becomes of the answer, a probe tells
// which token works.
func Example() {
	ctx, client := context.Background(), instance()
	fresh := databrain.NewSecret(uuid.NewString())

	jwt, err := client.SignIn(ctx, databrain.Credentials{
		Email: databraintest.ExampleEmail, Password: databrain.NewSecret(databraintest.ExamplePassword),
	})
	if err != nil {
		log.Fatal(err)
	}
	err = client.SaveServiceToken(ctx, jwt, fresh)
	if databrain.Unknown(err) {
		err = client.Probe(ctx, fresh)
	}
	fmt.Println("the new token works:", err == nil)
	fmt.Println("it prints as:", fresh)
	// Output:
	// the new token works: true
	// it prints as: [redacted]
}

// Every failure says what kind it is and whether the request may have taken
// effect, so that the caller can decide what to do next.
func ExampleError() {
	ctx, client := context.Background(), instance()

	err := client.Probe(ctx, databrain.NewSecret("0b0f8c8e-7f8e-4d42-9a39-2f4a5d1f3c77"))

	fmt.Println(err)
	fmt.Println("class:", databrain.ClassOf(err))
	fmt.Println("a definite answer of the API:", databrain.Rejected(err))
	fmt.Println("may have taken effect:", databrain.Unknown(err))
	// Output:
	// auth, status 400, code AUTHENTICATION_ERROR (https://databrain.example.com, probe service token)
	// class: auth
	// a definite answer of the API: true
	// may have taken effect: false
}

// The old token stays valid for the grace period. The request is not repeated,
// whatever happens: each success makes another token.
func ExampleClient_RotateServiceToken() {
	ctx, client := context.Background(), instance()
	current := databrain.NewSecret(databraintest.ExampleServiceToken)

	fresh, err := client.RotateServiceToken(ctx, current, 24*time.Hour)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("the old token works:", client.Probe(ctx, current) == nil)
	fmt.Println("the new token works:", client.Probe(ctx, fresh) == nil)
	// Output:
	// the old token works: true
	// the new token works: true
}

// Lists come entry by entry. An error other than ErrEntry is the last thing that comes:
// what came before it is then not the whole list.
func ExampleClient_APITokens() {
	ctx, client := context.Background(), instance()
	token := databrain.NewSecret(databraintest.ExampleServiceToken)

	for t, err := range client.APITokens(ctx, token, "Customer Portal Analytics", databrain.Whole) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(t.Fingerprint, t.CreatedAt.Format(time.DateOnly), t.Name)
	}
	// Output:
	// a3a9e1ed9732cab2 2024-01-15 Production API Key
	// 6316e01c9e1d33de 2024-01-10 Development Token
	// 5c28b2022dca14af 2024-01-08 Staging Environment
}
