package msalauth_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"

	"github.com/calwatch/calwatch/internal/fakeserver/signin"
	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/auth/msalauth"
)

// Sign in once, while a person is there; then get tokens for as long as the authority allows. The authority here is a fake
// one; leave out Authority and HTTPClient to use Microsoft's.
func ExampleClient_SignInDeviceCode() {
	fake := signin.New(nil)
	server := httptest.NewTLSServer(fake)
	defer server.Close()

	client, err := msalauth.New(msalauth.Options{
		ClientID:   fake.ClientID(),
		Authority:  server.URL + "/common",
		HTTPClient: server.Client(),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	request := auth.Request{Scopes: []string{"https://outlook.office.com/Calendars.Read"}}
	_, err = client.Provider("").Token(context.Background(), request)
	fmt.Println("before:", err)

	account, err := client.SignInDeviceCode(context.Background(), request.Scopes, func(_ context.Context, c msalauth.DeviceCode) error {
		// A program prints c.Message here; then a person opens c.VerificationURL and enters c.UserCode. The next line is
		// what that person does.
		return fake.Approve(c.UserCode, "alex@contoso.test")
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("signed in:", account.Username)

	provider := client.Provider(account.ID)
	token, err := provider.Token(context.Background(), request)
	fmt.Println("token:", token.Value != "", "error:", err)

	// Later the account is disabled.
	fake.Revoke("alex@contoso.test")
	request.Rejected = token.Value
	_, err = provider.Token(context.Background(), request)
	fmt.Println("sign-in needed:", errors.Is(err, auth.ErrInteractionRequired))
	// Output:
	// before: msalauth: nobody is signed in: auth: sign-in needed: sign in again
	// signed in: alex@contoso.test
	// token: true error: <nil>
	// sign-in needed: true
}
