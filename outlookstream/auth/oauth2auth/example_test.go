package oauth2auth_test

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/oauth2"

	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/auth/oauth2auth"
)

// A program that has signed somebody in earlier, and kept the refresh token.
func ExampleFromConfig() {
	// Stands for the authorization server: leave HTTPClient out.
	server := &http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) {
		return reply(200, `{"access_token":"eyJ0eXAi...","token_type":"Bearer","expires_in":3600,"refresh_token":"the next one"}`), nil
	})}

	cfg := &oauth2.Config{
		ClientID: "0f5d9a3e-8a47-4f0c-9c35-51b6a7d2e8c4",
		Endpoint: oauth2.Endpoint{
			TokenURL:  "https://login.microsoftonline.com/contoso.com/oauth2/v2.0/token",
			AuthStyle: oauth2.AuthStyleInParams,
		},
		Scopes: []string{"https://outlook.office.com/Calendars.Read", "offline_access"},
	}
	provider := oauth2auth.FromConfig(cfg, "the one that was kept", &oauth2auth.Options{
		Save: func(_ context.Context, refreshToken string) error {
			fmt.Println("to be kept instead:", refreshToken)
			return nil
		},
		HTTPClient: server,
	}) // for outlookstream.New
	token, err := provider.Token(context.Background(), auth.Request{Scopes: cfg.Scopes[:1]})
	fmt.Println(time.Until(token.ExpiresOn).Round(time.Minute), err)
	// Output:
	// to be kept instead: the next one
	// 1h0m0s <nil>
}

func ExampleNew() {
	provider := oauth2auth.New(oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "eyJ0eXAi..."}))
	token, err := provider.Token(context.Background(), auth.Request{})
	fmt.Println(token, err)
	// Output:
	// auth.Token{Value: REDACTED} <nil>
}

// A client of x/oauth2 with the tokens of a Provider.
func ExampleTokenSource() {
	provider := auth.Static("eyJ0eXAi...")
	source := oauth2auth.TokenSource(context.Background(), provider, "https://outlook.office.com/Calendars.Read")
	token, err := source.Token()
	fmt.Println(token.Type(), err)
	// Output:
	// Bearer <nil>
}
