package azauth

import (
	"context"
	"fmt"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/auth/internal/entra"
)

// Options say how a credential is asked. Zero fields mean the default.
type Options struct {
	// Delegated asks for the scopes as they are, for example "https://outlook.office.com/Calendars.Read": the permissions
	// of a person. It is for credentials into which a person signs in, if they are to consent to these and no others.
	// Default: for RESOURCE/.default, which every credential understands and most insist on.
	Delegated bool
}

// New returns a Provider that asks cred. opts may be nil. The Provider is safe for concurrent use, caches as auth.Cached
// does, and asks cred once at a time for each tenant and set of scopes, whoever waits.
//
// errors.Is finds in the Provider's errors auth.ErrInteractionRequired if only a person can go on; auth.ErrMisconfigured if
// the application, the tenant, the secret or the scopes are wrong, if the scopes are of more than one resource, or if there
// is nothing in this environment that cred could use; and auth.ErrRejected if the server has refused the token and cred has
// no other. Others are transient: the sign-in service cannot be reached, is overloaded, or fails.
//
// cred must not prompt: see the package's documentation.
func New(cred azcore.TokenCredential, opts *Options) auth.Provider {
	if cred == nil {
		return auth.Func(func(context.Context, auth.Request) (auth.Token, error) {
			return auth.Token{}, bad("azauth.New was given no credential")
		})
	}
	p := provider{cred: cred, delegated: opts != nil && opts.Delegated}
	return auth.Cached(auth.Func(p.token))
}

type provider struct {
	cred      azcore.TokenCredential
	delegated bool
}

// token asks the credential, a second time if it returns the token that was refused.
func (p provider) token(ctx context.Context, r auth.Request) (auth.Token, error) {
	scopes := r.Scopes
	if !p.delegated {
		scope, err := entra.DefaultScope(r.Scopes)
		if err != nil {
			return auth.Token{}, err
		}
		scopes = []string{scope}
	}
	// EnableCAE always: azidentity keeps the tokens got with and without it apart, and with claims it has to be on.
	ask := policy.TokenRequestOptions{Scopes: scopes, TenantID: r.TenantID, Claims: r.Claims, EnableCAE: true}
	token, err := p.cred.GetToken(ctx, ask)
	if err == nil && isRefused(token, r) && ask.Claims == "" {
		ask.Claims = issuedSince(time.Now())
		token, err = p.cred.GetToken(ctx, ask)
	}
	switch {
	case err != nil && ctx.Err() != nil:
		return auth.Token{}, context.Cause(ctx)
	case err != nil && ask.Claims != "" && refusesClaims(err):
		return auth.Token{}, claimsRefused(err, r)
	case err != nil:
		return auth.Token{}, classify(err)
	case isRefused(token, r):
		return auth.Token{}, fmt.Errorf("%w: the credential (%T) returned the refused token although a newer one was asked "+
			"for: the place it gets tokens from keeps them; get rid of that copy, or wait until it has expired",
			auth.ErrRejected, p.cred)
	}
	return auth.Token{Value: token.Token, ExpiresOn: token.ExpiresOn, RefreshOn: token.RefreshOn}, nil
}

func isRefused(token azcore.AccessToken, r auth.Request) bool {
	return r.Rejected != "" && token.Token == r.Rejected
}

// issuedSince is a claims request (OpenID Connect Core, section 5.5) for a token that is not valid before t, in the form of
// the challenges that resources send after a revocation. Claims are what makes MSAL, and so azidentity, pass its cache by;
// there is no other way to force a new token.
func issuedSince(t time.Time) string {
	return fmt.Sprintf(`{"access_token":{"nbf":{"essential":true,"value":"%d"}}}`, t.Unix())
}

func bad(text string) error { return fmt.Errorf("%w: %s", auth.ErrMisconfigured, text) }
