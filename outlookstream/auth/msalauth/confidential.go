package msalauth

import (
	"context"
	"net/http"
	"strings"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/confidential"

	"github.com/calwatch/calwatch/outlookstream/auth"
	"github.com/calwatch/calwatch/outlookstream/auth/internal/entra"
)

// ConfidentialOptions say which application asks for tokens where, and how it proves itself.
type ConfidentialOptions struct {
	// ClientID is the application (client) id of the app registration. Required.
	ClientID string
	// Authority is where to ask, as https://host/tenant. Default https://login.microsoftonline.com/TenantID.
	Authority string
	// TenantID, a directory's GUID or domain, takes the place of Authority's tenant. Without it Authority has to name one:
	// an application has no home that "common" could be replaced by.
	TenantID string
	// HTTPClient is what requests are made with; only its Transport is used. Default http.DefaultTransport.
	HTTPClient *http.Client
	// Credential proves that the application is who it says. Required.
	Credential Credential
}

// Confidential is a confidential client application: one that runs where people cannot read its secret, and works for itself,
// with application permissions, instead of for a person. It is an auth.Provider, and safe for concurrent use.
//
// Tokens are kept in memory only, as there is no refresh token that would have to outlive the process.
type Confidential struct {
	front auth.Provider
}

// NewConfidential returns a Confidential. It makes no request and does not ask for the credential. The error, if any, is
// auth.ErrMisconfigured.
func NewConfidential(opts ConfidentialOptions) (*Confidential, error) {
	cfg, err := newConfig(opts.ClientID, opts.Authority, opts.TenantID, opts.HTTPClient)
	if err != nil {
		return nil, err
	}
	switch strings.ToLower(cfg.tenant) {
	case "common", "organizations", "consumers":
		return nil, bad("an application that signs in by itself needs the tenant's id or domain instead of \"" + cfg.tenant + "\"")
	}
	if opts.Credential.load == nil {
		return nil, bad("the credential is missing: use Secret, Certificate or Assertion")
	}
	cfg.confidential = true
	ask := func(ctx context.Context, r auth.Request) (auth.Token, error) {
		return cfg.credentialToken(ctx, opts.Credential, r)
	}
	return &Confidential{auth.Cached(auth.Func(ask))}, nil
}

// Token implements auth.Provider. Tokens are cached as by auth.Cached.
//
// Application permissions are granted as a whole, so instead of r.Scopes it asks for ".default" of the one resource they
// belong to: of https://outlook.office.com/Calendars.Read it makes https://outlook.office.com/.default.
//
// errors.Is finds auth.ErrMisconfigured in the error if the authority refuses the application, its credential, the tenant or
// a scope. Others are transient.
func (c *Confidential) Token(ctx context.Context, r auth.Request) (auth.Token, error) {
	scope, err := entra.DefaultScope(r.Scopes)
	if err != nil {
		return auth.Token{}, err
	}
	if err := checkClaims(r.Claims); err != nil {
		return auth.Token{}, err
	}
	r.Scopes = []string{scope}
	return c.front.Token(ctx, r)
}

// credentialToken asks the authority. The MSAL client is a fresh one, with nothing in its cache: so a refused token cannot
// come back, and a credential that was replaced is used at once.
func (c config) credentialToken(ctx context.Context, cred Credential, r auth.Request) (auth.Token, error) {
	proof, failed, err := cred.load(ctx)
	if err != nil {
		return auth.Token{}, err
	}
	client, err := confidential.New(c.authority, c.clientID, proof,
		confidential.WithHTTPClient(c.http),
		confidential.WithClientCapabilities([]string{"CP1"}),
		confidential.WithInstanceDiscovery(false),
	)
	if err != nil {
		return auth.Token{}, errAuthority()
	}
	var opts []confidential.AcquireByCredentialOption
	if r.TenantID != "" {
		opts = append(opts, confidential.WithTenantID(r.TenantID))
	}
	if r.Claims != "" {
		opts = append(opts, confidential.WithClaims(r.Claims))
	}
	ctx, e := withExchange(ctx)
	result, err := client.AcquireTokenByCredential(ctx, r.Scopes, opts...)
	if err != nil {
		if err := failed(); err != nil {
			return auth.Token{}, err
		}
		return auth.Token{}, c.in(r.TenantID).classify(ctx, e, err, "")
	}
	return auth.Token{Value: result.AccessToken, ExpiresOn: result.ExpiresOn, RefreshOn: result.Metadata.RefreshOn}, nil
}
