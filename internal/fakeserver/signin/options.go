package signin

import (
	"crypto/rsa"
	"crypto/x509"
	"net/http"
	"time"
)

const (
	// DefaultTenant is the tenant's GUID unless Options say otherwise.
	DefaultTenant = "6a1ff4bd-3c1e-4bb4-9d2f-0d3c6f2b7a10"
	// DefaultClientID is the one client known unless Options say otherwise.
	DefaultClientID = "0f5d9a3e-8a47-4f0c-9c35-51b6a7d2e8c4"
)

// PersonalTenant is the tenant of personal Microsoft accounts, which the name "consumers" stands for. An Account with this
// TenantID is one.
const PersonalTenant = "9188040d-6c67-4c5b-b112-36a304b66dad"

// Account is somebody who can sign in.
type Account struct {
	User     string // SMTP address, for example "alex@contoso.test"
	Name     string // display name; default User
	ObjectID string // GUID; default one derived from User
	TenantID string // GUID of the home tenant; default Options.Tenant
}

// Tenant is a directory besides Options.Tenant.
type Tenant struct {
	ID     string // GUID; required
	Domain string // another name for it in URLs, besides the domains of the accounts whose home it is; "" for none
	// Guests are the addresses of accounts of other tenants that have been invited: they can get tokens here, too.
	Guests []string
}

// Federated is an issuer whose assertions stand for the application (workload identity federation). All must be as given,
// letter by letter.
type Federated struct {
	Issuer   string // a URL: the claim iss
	Subject  string // the claim sub
	Audience string // one of the claim aud; default DefaultAudience
	Key      *rsa.PublicKey
}

// DefaultAudience is the audience of federated assertions unless a Federated says otherwise.
const DefaultAudience = "api://AzureADTokenExchange"

// Options configure a Server. Zero fields mean the default.
type Options struct {
	// Tenant is the GUID of the tenant at home in which an account is unless it says otherwise. Default DefaultTenant.
	Tenant string
	// Tenants are further ones. The tenants of Accounts need not be listed. An entry with the ID of Options.Tenant gives that
	// one another domain or guests.
	Tenants []Tenant
	// ClientID is the one application that may ask for tokens, in every tenant. Default DefaultClientID.
	ClientID string
	// ClientSecret is the application's first secret. Default: a random one, which ClientSecret returns.
	ClientSecret string
	// Certificates are what the application may sign assertions with; their keys must be RSA keys. Default none.
	Certificates []*x509.Certificate
	// Federated are issuers whose assertions stand for the application. Default none.
	Federated []Federated
	// WebRedirects are redirect URIs of a web application, compared as they are written. What is sent to one of them can only be
	// redeemed, and renewed, with a credential. Default none; loopback addresses need not be registered.
	WebRedirects []string
	// Accounts can sign in; the first one does unless told otherwise. Default alex@contoso.test.
	Accounts []Account
	// TokenLifetime is the life of an access token. Default 1 h. From 2 h on the answers advise to refresh at half of it.
	TokenLifetime time.Duration
	// RefreshIn is after what time the answers advise to refresh, instead of the rule of TokenLifetime. Default: that rule.
	RefreshIn time.Duration
	// ReusableRefreshTokens makes refresh tokens good for any number of uses, as those of the real service are. Default: one
	// use each, and a second use ends the sign-in.
	ReusableRefreshTokens bool
	// DeviceCodeLifetime is how long a device code can be approved and redeemed. Default 15 min.
	DeviceCodeLifetime time.Duration
	// Interval is the pause asked of a client between two polls, in whole seconds. Default 5 s. A poll that comes too
	// early is answered with slow_down, unless the code has been approved.
	Interval time.Duration
	// AutoApprove lets the first poll of a device code approve it, for the first account.
	AutoApprove bool
	// Now is the authority's clock: it decides how long tokens, codes and assertions live, and may be ahead of the client's,
	// behind it, or jump. Delays are not measured with it. It is called with a lock held, so it must not call the Server.
	// Default time.Now.
	Now func() time.Time
	// Fault is asked before a request is served; on is "token", "devicecode", "configuration" or "authorize", user the account
	// that the request is for, or "" where that is not known. Default: no faults.
	Fault func(on, user string) (*Response, bool)
}

// Response is what a fault answers instead of the server.
type Response struct {
	Status int         // 0: the request is only delayed, then served
	Header http.Header // added to the answer
	// Location returns the Location header for a request, unless Header has one. nil: none.
	Location func(*http.Request) string
	Body     []byte        // sent as it is
	Delay    time.Duration // waited before answering, or until the client gives up
}
