package azauth_test

import (
	"context"
	"encoding/base64"
	"errors"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/auth/azauth"
)

// The texts are azidentity's.
func TestToolsThatRefuseClaims(t *testing.T) {
	const challenge = `{"access_token":{"acrs":{"essential":true,"value":"c1"}}}`
	in64 := base64.StdEncoding.EncodeToString([]byte(challenge))
	for _, test := range []struct{ text, forced, challenged string }{
		{
			"AzureCLICredential.GetToken(): Azure CLI requires multifactor authentication or additional claims. Run this command then retry the operation: az login --tenant x --claims-challenge secret-1",
			`run "az login"`, "run: az login --tenant fabrikam.test --claims-challenge " + in64,
		},
		{
			"AzurePowerShellCredential.GetToken(): Azure PowerShell requires multifactor authentication or additional claims. Run this command then retry the operation: Connect-AzAccount -ClaimsChallenge 'secret-1'",
			`run "Connect-AzAccount"`, "run: Connect-AzAccount -ClaimsChallenge '" + in64 + "'",
		},
		{
			"AzureDeveloperCLICredential: Azure Developer CLI requires multifactor authentication or additional claims. Run this command then retry the operation: azd auth token -o json --no-prompt --scope secret-1",
			`run "azd auth login"`, "run: azd auth login",
		},
		{
			"FancyCredential requires additional claims secret-1",
			"sign in to it again", "sign in again, to the tool behind the credential",
		},
	} {
		p := azauth.New(fake(func(_ context.Context, r tokenRequest) (azcore.AccessToken, error) {
			if r.Claims != "" {
				return azcore.AccessToken{}, errors.New(test.text)
			}
			return azcore.AccessToken{Token: "secret-1"}, nil
		}), nil)
		token(t, p, auth.Request{TenantID: "fabrikam.test"})
		fails(t, p, auth.Request{TenantID: "fabrikam.test", Rejected: "secret-1"}, auth.ErrRejected, test.forced, "secret-1")
		err := fails(t, p, auth.Request{TenantID: "fabrikam.test", Rejected: "secret-1", Claims: challenge}, auth.ErrInteractionRequired, test.challenged, "secret-1")
		if e, ok := asInteraction(err); ok && (e.Claims != challenge || e.Code != "insufficient_claims") {
			t.Errorf("got %#v", e)
		}
	}
}

func TestOtherErrorsOfAForcedRefreshAreSortedAsUsual(t *testing.T) {
	p := azauth.New(fake(func(_ context.Context, r tokenRequest) (azcore.AccessToken, error) {
		if r.Claims != "" {
			return azcore.AccessToken{}, errors.New("dial tcp 10.0.0.1:443: connect: connection refused, sending secret-1")
		}
		return azcore.AccessToken{Token: "secret-1"}, nil
	}), nil)
	token(t, p, auth.Request{})
	fails(t, p, auth.Request{Rejected: "secret-1"}, transient, "connection refused", "secret-1")
}
