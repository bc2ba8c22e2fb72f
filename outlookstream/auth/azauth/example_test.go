package azauth_test

import (
	"context"
	"fmt"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/auth/azauth"
)

// managedIdentity stands for azidentity.NewManagedIdentityCredential(nil), or any other credential.
type managedIdentity struct{}

func (managedIdentity) GetToken(_ context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	fmt.Println("the credential is asked for", o.Scopes[0])
	return azcore.AccessToken{Token: "eyJ0eXAi...", ExpiresOn: time.Now().Add(24 * time.Hour)}, nil
}

func ExampleNew() {
	provider := azauth.New(managedIdentity{}, nil) // for outlookstream.New
	for range 3 {
		_, err := provider.Token(context.Background(), auth.Request{Scopes: []string{"https://outlook.office.com/Calendars.Read"}})
		if err != nil {
			fmt.Println(err)
		}
	}
	// Output:
	// the credential is asked for https://outlook.office.com/.default
}

// A client of the Azure SDK with the tokens of a Provider.
func ExampleCredential() {
	cred := azauth.Credential(auth.Static("eyJ0eXAi..."))
	token, err := cred.GetToken(context.Background(), policy.TokenRequestOptions{Scopes: []string{"https://vault.azure.net/.default"}})
	fmt.Println(len(token.Token), err)
	// Output:
	// 11 <nil>
}
