// Package oauth2auth gets tokens through golang.org/x/oauth2, from any authorization server. [FromConfig] renews them with a
// refresh token, [New] asks any oauth2.TokenSource, and [TokenSource] goes the other way.
//
//	cfg := &oauth2.Config{ClientID: "...", Endpoint: endpoints.AzureAD("contoso.com"), Scopes: []string{..., "offline_access"}}
//	provider := oauth2auth.FromConfig(cfg, refreshToken, &oauth2auth.Options{Save: store})
//
// # Which of the two
//
// A TokenSource has no way of saying that a token was refused, that the server wants claims, or which scopes are wanted, and
// most return what they have until it expires. When a server refuses a token before that, a Provider of a TokenSource has
// no other and says [auth.ErrRejected], which ends a watch. It is right for sources that fetch a token at each call (for
// example a function of your own), and for those that need nothing but a client secret. FromConfig makes one real request
// whenever the server refuses a token, and asks for the claims that a server wants.
//
// # Refresh tokens that work once
//
// Entra ID and others answer each renewal with a new refresh token, and some take the second use of an old one for theft and
// end the sign-in. So FromConfig makes one request at a time with its refresh token, adopts the new one before anything else
// can fail, and hands it to [Options].Save before it is used. Two Providers, or processes, must not share one refresh token.
//
// # What leaves the process
//
// Requests go by https (or http to a loopback address) to the configuration's token URL. Redirects are not followed, for a
// redirected request carries the refresh token along; an answer may have at most 1 MiB. The texts of x/oauth2's errors can
// contain whole answers of the server: none of it is passed on, errors are made anew from the status and the error codes.
package oauth2auth
