package signin

import (
	"net/http"
	"time"
)

const (
	// DefaultTenant is the tenant's GUID unless Options say otherwise.
	DefaultTenant = "6a1ff4bd-3c1e-4bb4-9d2f-0d3c6f2b7a10"
	// DefaultClientID is the one client known unless Options say otherwise.
	DefaultClientID = "0f5d9a3e-8a47-4f0c-9c35-51b6a7d2e8c4"
)

// Account is somebody who can sign in.
type Account struct {
	User     string // SMTP address, for example "alex@contoso.test"
	Name     string // display name; default User
	ObjectID string // GUID; default one derived from User
}

// Options configure a Server. Zero fields mean the default.
type Options struct {
	// Tenant is the GUID of the one tenant. Default DefaultTenant.
	Tenant string
	// ClientID is the one application that may ask for tokens. Default DefaultClientID.
	ClientID string
	// ClientSecret is what client credentials need. Default: a random one, which ClientSecret returns.
	ClientSecret string
	// Accounts can sign in; the first one does unless told otherwise. Default alex@contoso.test.
	Accounts []Account
	// TokenLifetime is the life of an access token. Default 1 h. From 2 h on the answers advise to refresh at half of it.
	TokenLifetime time.Duration
	// DeviceCodeLifetime is how long a device code can be approved and redeemed. Default 15 min.
	DeviceCodeLifetime time.Duration
	// Interval is the pause asked of a client between two polls, in whole seconds. Default 5 s. A poll that comes too
	// early is answered with slow_down, unless the code has been approved.
	Interval time.Duration
	// AutoApprove lets the first poll of a device code approve it, for the first account.
	AutoApprove bool
	// Fault is asked before a request is served; on is "token" or "devicecode", user the account that the request is for,
	// or "" where that is not known. Default: no faults.
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
