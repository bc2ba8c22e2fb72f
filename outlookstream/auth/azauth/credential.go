package azauth

import (
	"context"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/calwatch/calwatch/outlookstream/auth"
)

// Credential makes a credential for clients of the Azure SDK of p. It is safe for concurrent use, and its errors are p's.
//
// Scopes, TenantID and Claims are passed on; EnableCAE means nothing to a Provider. The SDK has no word for a token that was
// refused without claims: its clients then show the 401, and are given the same token the next time, until p has another.
// They keep a token themselves until it nears its end; one of unknown end they ask for at each request.
func Credential(p auth.Provider) azcore.TokenCredential {
	if p == nil {
		p = auth.Cached(nil) // which says so
	}
	return credential(func(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
		token, err := p.Token(ctx, auth.Request{Scopes: o.Scopes, TenantID: o.TenantID, Claims: o.Claims})
		if err != nil {
			return azcore.AccessToken{}, err
		}
		return azcore.AccessToken{Token: token.Value, ExpiresOn: token.ExpiresOn, RefreshOn: token.RefreshOn}, nil
	})
}

// credential is a function because fmt shows the fields of a struct, and a Provider's with them.
type credential func(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error)

// GetToken implements azcore.TokenCredential.
func (c credential) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return c(ctx, o)
}
