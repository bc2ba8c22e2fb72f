package msalauth_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"

	"github.com/calwatch/calwatch/internal/fakeserver/signin"
	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/auth/msalauth"
	"github.com/calwatch/calwatch/tokencache"
)

// Sign in once: what the first run of the program got, the second uses. A program would name a directory and a key file of
// its own, see tokencache.DefaultDir, and leave out Authority and HTTPClient to use Microsoft's.
func ExampleClient() {
	fake := signin.New(nil)
	server := httptest.NewTLSServer(fake)
	defer server.Close()
	place, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(place)

	run := func() error {
		store, err := tokencache.Open(filepath.Join(place, "cache"), tokencache.NewKeyFile(filepath.Join(place, "key")))
		if err != nil {
			return err
		}
		defer store.Close()
		client, err := msalauth.New(msalauth.Options{
			ClientID: fake.ClientID(), Authority: server.URL + "/common", HTTPClient: server.Client(), Store: store,
		})
		if err != nil {
			return err
		}
		defer client.Close(context.Background()) // before the store
		provider := client.Provider("")          // of the only account, which may be to come
		request := auth.Request{Scopes: []string{"https://outlook.office.com/Calendars.Read"}}
		_, err = provider.Token(context.Background(), request)
		if errors.Is(err, auth.ErrInteractionRequired) {
			fmt.Println("somebody has to sign in")
			_, err = client.SignInDeviceCode(context.Background(), request.Scopes, func(_ context.Context, c msalauth.DeviceCode) error {
				return fake.Approve(c.UserCode, "alex@contoso.test") // what the person does
			})
			if err != nil {
				return err
			}
			_, err = provider.Token(context.Background(), request)
		}
		if err != nil {
			return err
		}
		accounts, err := client.Accounts(context.Background())
		if err != nil {
			return err
		}
		fmt.Println("a token for", accounts[0].Username)
		return nil
	}
	fmt.Println(run(), run())
	// Output:
	// somebody has to sign in
	// a token for alex@contoso.test
	// a token for alex@contoso.test
	// <nil> <nil>
}
