package auth_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/calwatch/calwatch/outlookstream/auth"
)

// A provider is one function. Cached keeps what it returns until shortly before it expires.
func ExampleCached() {
	fetched := 0
	provider := auth.Cached(auth.Func(func(ctx context.Context, r auth.Request) (auth.Token, error) {
		fetched++ // a real one asks the company's own token service here
		return auth.Token{Value: fmt.Sprintf("token-%d", fetched), ExpiresOn: time.Now().Add(time.Hour)}, nil
	}))
	request := auth.Request{Scopes: []string{"https://outlook.office.com/Calendars.Read"}}
	for range 3 {
		if _, err := provider.Token(context.Background(), request); err != nil {
			fmt.Println(err)
		}
	}
	fmt.Println("fetched:", fetched)

	// The server has refused the token: ask for another.
	request.Rejected = "token-1"
	token, err := provider.Token(context.Background(), request)
	fmt.Println("fetched:", fetched, "error:", err, "is another:", token.Value == "token-2")
	// Output:
	// fetched: 1
	// fetched: 2 error: <nil> is another: true
}

// A static token is all there is: once refused, the client gives up.
func ExampleStatic() {
	provider := auth.Static("eyJ0eXAiOiJKV1Qi...")
	token, _ := provider.Token(context.Background(), auth.Request{})
	fmt.Println(token)
	_, err := provider.Token(context.Background(), auth.Request{Rejected: token.Value})
	fmt.Println(errors.Is(err, auth.ErrRejected))
	// Output:
	// auth.Token{Value: REDACTED}
	// true
}

// What a program does when only a person can go on.
func ExampleInteractionError() {
	err := fmt.Errorf("watch: %w", &auth.InteractionError{
		Account: "alex@contoso.com", Code: "invalid_grant", SubCode: "bad_token",
	})
	if errors.Is(err, auth.ErrInteractionRequired) {
		fmt.Println(err)
	}
	// Output:
	// watch: auth: sign-in needed for alex@contoso.com (invalid_grant, bad_token): sign in again
}
